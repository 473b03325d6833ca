// What answers share: negotiation by quality, compressed text, entity tags.
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import { chooseEncoding, chooseType, qualities } from '../../src/server/http/accept.js'
import { isNamed } from '../../src/server/http/conditional.js'
import { bytesAnswer, jsonAnswer, textAnswer } from '../../src/server/http/json-answer.js'
import type { Query, Reply } from '../../src/server/http/message.js'
import { BUCKET_SECONDS, RequestCounts } from '../../src/server/metrics/request-counts.js'

const query = (headers: Record<string, string> = {}, method = 'GET'): Query => ({
  method,
  target: '/',
  header: (name) => headers[name],
  remoteAddress: undefined,
  isSecure: false,
  signal: new AbortController().signal,
  body: async () => new Uint8Array(0),
})

const headerOf = ({ headers }: Reply, name: string): string | undefined => {
  const at = headers.indexOf(name)
  return at < 0 ? undefined : headers[at + 1]
}

async function bytesOf({ body }: Reply): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0)
  if (body instanceof Uint8Array) return Buffer.from(body)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

t.test('qualities', (t) => {
  t.strictSame(
    [...qualities('A;q=0.5, b ; Q=0 ,,c;x=1;q=1, d;q=2, e;q=, f;q=x')],
    [
      ['a', 0.5],
      ['b', 0],
      ['c', 1],
    ],
  )
  t.equal(qualities(undefined).size, 0)
  t.ok(qualities('a,'.repeat(1e6)).size <= 1, 'a long one is not read to its end')
  t.end()
})

t.test('encodings', (t) => {
  for (const [header, expected] of [
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['identity, gzip;q=0.5', 'identity'],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['br;q=0, gzip;q=0', 'identity'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['br;q=0, *', 'gzip'],
    ['x-gzip', 'gzip'],
    ['zstd', 'identity'],
    ['gzip;q=oops', 'identity'],
  ] as const) {
    t.equal(chooseEncoding(header), expected, String(header))
  }
  t.end()
})

t.test('media types', (t) => {
  const types = ['image/jpeg', 'image/webp', 'image/png']
  for (const [header, expected] of [
    [undefined, 'image/jpeg'],
    ['', 'image/jpeg'],
    ['*/*', 'image/jpeg'],
    ['image/webp', 'image/webp'],
    ['image/webp;q=0.3, image/png;q=0.4', 'image/png'],
    ['image/*, image/jpeg;q=0', 'image/webp'],
    ['text/html', undefined],
    ['text/*;q=1, */*;q=0.1', 'image/jpeg'],
  ] as const) {
    t.equal(chooseType(header, types), expected, String(header))
  }
  t.end()
})

t.test('entity tags, compared weakly', (t) => {
  for (const [list, expected] of [
    ['"a"', true],
    ['W/"a"', true],
    ['*', true],
    [' * ', true],
    ['"b","a"', true],
    ['"b" , W/"a"\t', true],
    ['"b"', false],
    ['a', false],
    ['"a', false],
    ['"b""a"', false],
    ['"a" "b"', false],
    ['x"a"', false],
    ['', false],
  ] as const) {
    t.equal(isNamed('"a"', list), expected, list)
    t.equal(isNamed('W/"a"', list), expected, `weak, ${list}`)
  }
  const tags = `${'"b",'.repeat(100_000)}"`
  t.notOk(isNamed('"a"', tags))
  t.end()
})

t.test('JSON, compressed as the client accepts it', async (t) => {
  const value = { text: 'tile '.repeat(1000) }
  const text = `${JSON.stringify(value)}\n`
  const plain = jsonAnswer(query(), value)
  t.equal((await bytesOf(plain)).toString(), text)
  t.equal(headerOf(plain, 'Content-Type'), 'application/json')
  t.equal(headerOf(plain, 'Vary'), 'Accept-Encoding', 'also when it is not compressed')
  const etag = headerOf(plain, 'ETag')!
  t.match(etag, /^"[\w-]+"$/)
  for (const [accepted, encoding, unpack] of [
    ['gzip', 'gzip', gunzipSync],
    ['gzip, br', 'br', brotliDecompressSync],
  ] as const) {
    const packed = jsonAnswer(query({ 'accept-encoding': accepted }), value)
    t.equal(headerOf(packed, 'Content-Encoding'), encoding)
    const bytes = await bytesOf(packed)
    t.equal(headerOf(packed, 'Content-Length'), String(bytes.length))
    t.equal(unpack(bytes).toString(), text)
    t.equal(headerOf(packed, 'ETag'), `W/${etag}`, 'other bytes, so a weak tag')
    for (const known of [etag, `W/${etag}`]) {
      const same = jsonAnswer(query({ 'accept-encoding': accepted, 'if-none-match': known }), value)
      t.equal(same.status, 304)
      t.equal(headerOf(same, 'Vary'), 'Accept-Encoding')
      t.equal(same.body, undefined)
    }
    const head = jsonAnswer(query({ 'accept-encoding': accepted }, 'HEAD'), value)
    t.equal(head.body, undefined)
    t.equal(headerOf(head, 'Content-Encoding'), encoding)
    const large = { text: 'x'.repeat(1_000_000) }
    const stream = jsonAnswer(query({ 'accept-encoding': accepted }), large)
    t.equal(headerOf(stream, 'Content-Length'), undefined, 'large ones are compressed as they are sent')
    t.same(JSON.parse(unpack(await bytesOf(stream)).toString()), large)
  }
})

t.test('answers that are short, given, or no success', async (t) => {
  const accepting = { 'accept-encoding': 'gzip' }
  const short = jsonAnswer(query(accepting), { a: 1 })
  t.equal(headerOf(short, 'Content-Encoding'), undefined)
  t.equal(headerOf(short, 'Vary'), undefined)
  const given = textAnswer(query(), '<a/>', { etag: '"mine"', contentType: 'text/xml', headers: ['X', 'y'] })
  t.equal(headerOf(given, 'ETag'), '"mine"')
  t.equal(headerOf(given, 'Content-Type'), 'text/xml')
  t.equal(headerOf(given, 'X'), 'y')
  const failed = jsonAnswer(query({ 'if-none-match': '*' }), { no: 1 }, { status: 503 })
  t.equal(failed.status, 503, 'never a 304')
  t.equal(headerOf(failed, 'ETag'), undefined)
  t.equal(jsonAnswer(query({ 'if-none-match': '*' }, 'POST'), {}).status, 200, 'a POST is no reading')

  const made = { bytes: Buffer.from('abc'), contentType: 'image/png', etag: '"m"' }
  t.equal((await bytesOf(bytesAnswer(query(), made))).toString(), 'abc')
  const head = bytesAnswer(query({}, 'HEAD'), made)
  t.equal(headerOf(head, 'Content-Length'), '3')
  t.equal(head.body, undefined)
  const same = bytesAnswer(query({ 'if-none-match': '"m"' }), made, ['Vary', 'Accept'])
  t.strictSame(
    [same.status, headerOf(same, 'Vary'), headerOf(same, 'Content-Length')],
    [304, 'Accept', undefined],
  )
})

t.test('counts', (t) => {
  const counts = new RequestCounts()
  const tile = counts.of('tile')
  t.equal(counts.of('tile'), tile)
  tile.add(200, 10, 0.0001)
  tile.add(200, 20, 0.0002)
  tile.add(304, 0, 99)
  counts.of('other')
  t.strictSame(tile.statuses, [
    [200, 2],
    [304, 1],
  ])
  t.equal(tile.bytes, 30)
  t.equal(tile.count, 3)
  t.strictSame([...tile.buckets], [1, 1, ...BUCKET_SECONDS.slice(2).map(() => 0), 1])
  t.equal(counts.all().length, 2)
  t.end()
})
