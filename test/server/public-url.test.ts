import t from 'tap'
import { AllowedHosts } from '../../src/server/http/allowed-hosts.js'
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

t.test('X-Forwarded-Port', async (t) => {
  const cases: [headers: Record<string, string>, base: string][] = [
    [{ host: 'in:8080', 'x-forwarded-port': '8443', 'x-forwarded-proto': 'https' }, 'https://in:8443'],
    [{ host: 'in:8080', 'x-forwarded-port': '443', 'x-forwarded-proto': 'https' }, 'https://in'],
    [{ host: 'in', 'x-forwarded-port': '80' }, 'http://in'],
    [{ host: 'in', 'x-forwarded-port': '443' }, 'http://in:443'],
    [
      { host: 'in:1', 'x-forwarded-host': 'a.example', 'x-forwarded-port': '8443, 80' },
      'http://a.example:8443',
    ],
    // what the client typed is nearer to it than the port that a proxy in between listens on
    [{ host: 'in:1', 'x-forwarded-host': 'a.example:9', 'x-forwarded-port': '80' }, 'http://a.example:9'],
    [{ host: '[::1]:8080', 'x-forwarded-port': '81' }, 'http://[::1]:81'],
    [{ host: 'in:8080', 'x-forwarded-port': '0' }, 'http://in:8080'],
    [{ host: 'in:8080', 'x-forwarded-port': '65536' }, 'http://in:8080'],
    [{ host: 'in:8080', 'x-forwarded-port': '8"' }, 'http://in:8080'],
  ]
  for (const [headers, base] of cases)
    t.equal(publicBase(query(headers), proxied), base, JSON.stringify(headers))
  t.equal(publicBase(query({ host: 'in:1', 'x-forwarded-port': '81' }), plain), 'http://in:1', 'not trusted')
})

t.test('Forwarded (RFC 7239)', async (t) => {
  const cases: [forwarded: string, base: string, client: string][] = [
    ['for=192.0.2.60;proto=https;by=203.0.113.43;host=a.example', 'https://a.example', '192.0.2.60'],
    ['Host="a.example:8443"; Proto=HTTPS , host=b.example', 'https://a.example:8443', '10.0.0.9'],
    ['for="[2001:db8:cafe::17]:4711"', 'http://in:1', '2001:db8:cafe::17'],
    ['FOR="192.0.2.43:47011", for=198.51.100.17', 'http://in:1', '192.0.2.43'],
    ['for=unknown, for=198.51.100.17', 'http://in:1', '10.0.0.9'],
    ['host="a\\.example"', 'http://a.example', '10.0.0.9'],
    [';;host=a.example;', 'http://a.example', '10.0.0.9'],
    ['host="a.example', 'http://in:1', '10.0.0.9'],
    ['host=a.example evil', 'http://in:1', '10.0.0.9'],
    ['host=""><script>"', 'http://in:1', '10.0.0.9'],
    ['proto=javascript', 'http://in:1', '10.0.0.9'],
  ]
  for (const [forwarded, base, client] of cases) {
    const asked = query({ host: 'in:1', forwarded })
    t.equal(publicBase(asked, proxied), base, forwarded)
    t.equal(clientAddress(asked, proxied), client, forwarded)
    t.equal(publicBase(asked, plain), 'http://in:1', 'not trusted')
  }
  const both = { host: 'in', forwarded: 'host=evil.example', 'x-forwarded-proto': 'https' }
  t.equal(publicBase(query(both), proxied), 'https://in', 'what the proxy did not set is of the client')
})

t.test('the names by which a server may be asked', async (t) => {
  const check = (hosts: string[], headers: Record<string, string>, options = plain): number => {
    try {
      new AllowedHosts(hosts, options).check(query(headers))
      return 200
    } catch (error) {
      return (error as HttpError).status
    }
  }
  const hosts = ['tiles.example', '.sub.example', '127.0.0.1', '[::1]']
  for (const host of [
    'tiles.example',
    'TILES.example:8080',
    'tiles.example.',
    'sub.example',
    'a.b.sub.example',
  ]) {
    t.equal(check(hosts, { host }), 200, host)
  }
  for (const host of ['127.0.0.1:1', '[::1]:8080']) t.equal(check(hosts, { host }), 200, host)
  for (const host of [
    'example',
    'a.tiles.example',
    'notsub.example',
    'tiles.example.evil',
    '127.0.0.2',
    '[::2]',
  ]) {
    t.equal(check(hosts, { host }), 403, host)
  }
  t.equal(check(hosts, { host: '<' }), 400)
  t.equal(check(hosts, {}), 403, 'HTTP/1.0 without a Host')
  t.equal(check(['*.sub.example'], { host: 'a.sub.example' }), 200)
  const forwarded = { host: 'inside', 'x-forwarded-host': 'tiles.example' }
  t.equal(check(hosts, forwarded), 403)
  t.equal(check(hosts, forwarded, proxied), 200, 'of a proxy that is trusted, what the client asked')
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
      'x-forwarded-port': text,
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
