import t from 'tap'
import { HttpError, type Query } from '../../src/server/http/message.js'
import { clientAddress, publicBase } from '../../src/server/http/public-url.js'

function query(headers: Record<string, string>, more: Partial<Query> = {}): Query {
  return {
    method: 'GET',
    target: '/',
    header: (name) => headers[name],
    remoteAddress: '10.0.0.9',
    isSecure: false,
    signal: new AbortController().signal,
    body: async () => new Uint8Array(),
    ...more,
  }
}

const plain = { publicUrl: undefined, basePath: '', trustProxy: false }
const proxied = { ...plain, trustProxy: true }

t.test('of the Host header, the connection and where we are mounted', async (t) => {
  t.equal(publicBase(query({ host: 'a.example' }), plain), 'http://a.example')
  t.equal(publicBase(query({ host: '[::1]:8080' }, { isSecure: true }), plain), 'https://[::1]:8080')
  t.equal(
    publicBase(query({ host: 'tiles_1:80' }), { ...plain, basePath: '/maps' }),
    'http://tiles_1:80/maps',
  )
  t.equal(
    publicBase(query({ host: 'a' }, { mountPath: '/outer' }), { ...plain, basePath: '/in' }),
    'http://a/outer/in',
  )
  t.equal(publicBase(query({ ':authority': 'h2.example' }), plain), 'http://h2.example')
  t.equal(publicBase(query({}), plain), 'http://localhost', 'HTTP/1.0 need not say')
})

t.test('as the option says, whatever the headers', async (t) => {
  const options = { ...proxied, publicUrl: 'https://tiles.example/maps/', basePath: '/inside' }
  const hostile = query({ host: '"><script>', 'x-forwarded-host': 'evil.example' })
  t.equal(publicBase(hostile, options), 'https://tiles.example/maps')
})

t.test('forwarded headers count only when the proxy is trusted', async (t) => {
  const headers = {
    host: 'inside:8080',
    'x-forwarded-host': 'tiles.example, middle.example',
    'x-forwarded-proto': 'https,http',
    'x-forwarded-prefix': '/maps/',
    'x-forwarded-for': '203.0.113.7, 10.0.0.1',
  }
  t.equal(publicBase(query(headers), plain), 'http://inside:8080')
  t.equal(publicBase(query(headers), proxied), 'https://tiles.example/maps')
  t.equal(publicBase(query(headers), { ...proxied, basePath: '/b' }), 'https://tiles.example/maps/b')
  t.equal(clientAddress(query(headers), plain), '10.0.0.9')
  t.equal(clientAddress(query(headers), proxied), '203.0.113.7')
  const withPort = (address: string): Query => query({ 'x-forwarded-for': address })
  t.equal(clientAddress(withPort('203.0.113.7:4711'), proxied), '203.0.113.7')
  t.equal(clientAddress(withPort('[2001:db8::7]:4711'), proxied), '2001:db8::7')
  const down = query({ host: 'h', 'x-forwarded-proto': 'http' }, { isSecure: true })
  t.equal(publicBase(down, proxied), 'http://h')
})

t.test('nothing of a hostile header gets through', async (t) => {
  const hostile = [
    '"><script>',
    "a'b",
    'a b',
    'a/../b',
    'a?b',
    'a#b',
    'user@host',
    'a\r\nX: y',
    'a:99999999',
    '',
    'é.example',
    '{z}',
    'a\\b',
    `${'a'.repeat(300)}.example`,
  ]
  for (const text of hostile) {
    t.throws(() => publicBase(query({ host: text }), plain), HttpError, JSON.stringify(text))
    const forwarded = query({
      host: 'h',
      'x-forwarded-host': text,
      'x-forwarded-prefix': text,
      'x-forwarded-proto': text,
      'x-forwarded-for': text,
    })
    t.equal(publicBase(forwarded, proxied), 'http://h', `forwarded: ${JSON.stringify(text)}`)
    t.equal(clientAddress(forwarded, proxied), '10.0.0.9')
  }
  const mounted = query({ host: 'h' }, { mountPath: `/a"<{z}'>\u00e9 b` })
  t.equal(publicBase(mounted, plain), 'http://h/a%22%3c%7bz%7d%27%3e%e9%20b')
  for (const prefix of ['/..', '/a/../b', '//evil.example', '/a b', '/a"', '/.', `/${'a'.repeat(2000)}`]) {
    const forwarded = query({ host: 'h', 'x-forwarded-prefix': prefix })
    t.equal(publicBase(forwarded, proxied), 'http://h', prefix.slice(0, 20))
  }
})
