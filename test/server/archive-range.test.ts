// '/{id}.pmtiles': the archive over HTTP. Read by the `pmtiles` package as a browser reads it, sealed, foreign and
// while a writer is at work; ranges, conditions, clients that go away.

import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs'
import { get, request } from 'node:http'
import { join } from 'node:path'
import { FetchSource, PMTiles } from 'pmtiles'
import t, { type Test } from 'tap'
import { SUPERBLOCK_BYTES, superblockOffset } from '../../src/format/layout.js'
import { encodeSuperblock } from '../../src/format/superblock/codec.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { TileType } from '../../src/format/tile-type.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { insideOf } from '../../src/server/handler.js'
import { currentSuperblock } from '../../src/store/file/superblocks.js'
import { createTiles, reopenTiles } from '../../src/store/paths.js'
import { openTiles } from '../../src/store/read/open.js'
import type { TileWriter } from '../../src/store/write/writer.js'
import { fixture } from '../helpers/paths.js'
import { until } from '../helpers/waiting.js'
import { serve } from './served.js'

/** Bytes that say whose they are. */
function bytesFor(key: number, round: number, length = 200): Uint8Array {
  const bytes = Buffer.alloc(length, `${key} in round ${round}, `)
  bytes.set([0xff, 0xd8, 0xff])
  return bytes
}

class Contents {
  readonly tiles = new Map<number, Uint8Array>()
  readonly gone = new Set<number>()

  put(writer: TileWriter, key: number, bytes: Uint8Array): void {
    writer.append(...tileIdToZxy(key), bytes, TileType.jpeg)
    this.tiles.set(key, bytes)
    this.gone.delete(key)
  }

  remove(writer: TileWriter, key: number): void {
    writer.remove(...tileIdToZxy(key))
    this.tiles.delete(key)
    this.gone.add(key)
  }
}

async function expectTiles(t: Test, archive: PMTiles, wanted: Contents, label: string): Promise<void> {
  let wrong = 0
  for (const [key, bytes] of wanted.tiles) {
    const found = await archive.getZxy(...tileIdToZxy(key))
    if (found === undefined || Buffer.compare(new Uint8Array(found.data), bytes) !== 0) wrong++
  }
  for (const key of wanted.gone) if ((await archive.getZxy(...tileIdToZxy(key))) !== undefined) wrong++
  t.equal(wrong, 0, label)
}

const clientOf = (url: string): PMTiles => new PMTiles(new FetchSource(url))

t.test('sealed and foreign archives as they lie', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'sealed.pmtiles')
  const writer = createTiles(path)
  const contents = new Contents()
  for (let i = 0; i < 300; i++) contents.put(writer, zoomBase(5) + i, bytesFor(i, 0, 3000))
  writer.setMetadata({ name: 'sealed' })
  writer.seal()
  writer.close()
  const { url, get } = await serve(t, [path, fixture('valid', 'foreign.pmtiles')])
  await expectTiles(t, clientOf(`${url}/sealed.pmtiles`), contents, 'every tile of the sealed file')
  for (const [id, file] of [
    ['sealed', path],
    ['foreign', fixture('valid', 'foreign.pmtiles')],
  ] as const) {
    const response = await get(`/${id}.pmtiles`)
    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'application/vnd.pmtiles')
    t.equal(response.headers.get('accept-ranges'), 'bytes')
    t.equal(response.headers.get('content-encoding'), null)
    const bytes = readFileSync(file)
    t.equal(response.headers.get('content-length'), String(bytes.length))
    t.equal(Buffer.compare(Buffer.from(await response.arrayBuffer()), bytes), 0, `${id}: byte for byte`)
  }
  const foreign = openTiles(fixture('valid', 'foreign.pmtiles'))
  const client = clientOf(`${url}/foreign.pmtiles`)
  for (const { z, x, y } of foreign.tiles()) {
    const found = await client.getZxy(z, x, y)
    t.equal(Buffer.compare(new Uint8Array(found!.data), foreign.get(z, x, y)!.bytes), 0, `${z}/${x}/${y}`)
  }
  foreign.close()
})

t.test('a file that is being written', async (t) => {
  const path = join(t.testdir(), 'growing.pmtiles')
  const writer = createTiles(path, { initialRegionBytes: 24 })
  const contents = new Contents()
  contents.put(writer, 0, bytesFor(0, 0))
  writer.commit()
  const { url, get } = await serve(t, path)
  // one client through all of it: it keeps directories and has to notice that they are out of date
  const client = clientOf(`${url}/growing.pmtiles`)
  await expectTiles(t, client, contents, 'the first commit')
  const tags = [await nextTag(get, undefined)]
  for (let round = 1; round <= 6; round++) {
    for (let i = 0; i < 60; i++) {
      contents.put(writer, zoomBase(7) + round * 60 + i, bytesFor(i, round))
      if (i % 3 === 0) contents.put(writer, zoomBase(7) + 60 + ((i * 17) % 120), bytesFor(i, 100 + round))
    }
    contents.remove(writer, zoomBase(7) + 60 + round)
    writer.commit()
    tags.push(await nextTag(get, tags.at(-1)))
    await expectTiles(t, client, contents, `round ${round}: what is there, replaced, removed`)
  }
  t.equal(new Set(tags).size, 7, 'every commit has another tag')
  // within reach of one client's request: the writer commits between its ranges
  for (let i = 0; i < 20; i++) {
    contents.put(writer, zoomBase(8) + i, bytesFor(i, 8))
    writer.commit()
    const key = zoomBase(7) + 90 + i
    const found = await client.getZxy(...tileIdToZxy(key))
    if (Buffer.compare(new Uint8Array(found!.data), contents.tiles.get(key)!) !== 0) t.fail(`tile ${key}`)
  }
  writer.seal()
  await expectTiles(t, client, contents, 'and when it is sealed')
  t.equal(
    Buffer.compare(Buffer.from(await (await get('/growing.pmtiles')).arrayBuffer()), readFileSync(path)),
    0,
    'then it is answered as it lies',
  )
  writer.close()
  const again = reopenTiles(path)
  contents.put(again, zoomBase(9), bytesFor(1, 9))
  again.commit()
  await expectTiles(t, client, contents, 'and when it is opened again')
  again.close()
})

/** The tag that comes after another one: an older archive may be answered for a moment. */
async function nextTag(
  get: (path: string, init: RequestInit) => Promise<Response>,
  before: string | null | undefined,
): Promise<string | null> {
  return await until(`another tag than ${before}`, async () => {
    const { headers } = await get('/growing.pmtiles', { method: 'HEAD' })
    if (headers.get('cache-control') !== 'no-cache') throw new Error('it may change any time')
    const tag = headers.get('etag')
    return tag === before ? undefined : tag
  })
}

t.test('the archive of a growing file, taken home', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'growing.pmtiles')
  const writer = createTiles(path)
  const contents = new Contents()
  for (let i = 0; i < 2000; i++) contents.put(writer, zoomBase(8) + i * 2, bytesFor(i, 0, 400 + (i % 50)))
  writer.commit()
  const { get } = await serve(t, path)
  const response = await get('/growing.pmtiles')
  const home = join(dir, 'home.pmtiles')
  const bytes = Buffer.from(await response.arrayBuffer())
  t.equal(response.headers.get('content-length'), String(bytes.length))
  writeFileSync(home, bytes)
  const reader = openTiles(home)
  t.equal(reader.kind, 'pmtiles')
  let wrong = 0
  for (const [key, value] of contents.tiles) {
    if (Buffer.compare(reader.get(...tileIdToZxy(key))!.bytes, value) !== 0) wrong++
  }
  t.equal(wrong, 0)
  reader.close()
  for (const [from, to] of [
    [0, 16384],
    [16000, 17000],
    [bytes.length - 5000, bytes.length],
    [100, bytes.length - 100],
  ] as const) {
    const part = await get('/growing.pmtiles', { headers: { Range: `bytes=${from}-${to - 1}` } })
    t.equal(part.status, 206)
    t.equal(
      Buffer.compare(Buffer.from(await part.arrayBuffer()), bytes.subarray(from, to)),
      0,
      `${from}…${to}`,
    )
  }
  writer.close()
})

t.test('ranges and conditions', async (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  const writer = createTiles(path)
  for (let i = 0; i < 20; i++) writer.append(...tileIdToZxy(zoomBase(3) + i), bytesFor(i, 0, 30_000))
  writer.seal()
  writer.close()
  const bytes = readFileSync(path)
  const n = bytes.length
  const { get } = await serve(t, path)
  const etag = (await get('/a.pmtiles', { method: 'HEAD' })).headers.get('etag')!
  t.match(etag, /^"[\w-]+"$/, 'strong')
  const ask = async (headers: Record<string, string>, method = 'GET') => {
    const response = await get('/a.pmtiles', { headers, method })
    return { response, body: Buffer.from(await response.arrayBuffer()) }
  }
  const parts: [range: string, from: number, to: number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=0-16383', 0, 16384],
    [`bytes=${n - 10}-`, n - 10, n],
    [`bytes=${n - 10}-${n + 10}`, n - 10, n],
    ['bytes=-7', n - 7, n],
    [`bytes=-${n + 1}`, 0, n],
    [`bytes=5-${n - 5}`, 5, n - 4],
  ]
  for (const [range, from, to] of parts) {
    const { response, body } = await ask({ Range: range })
    t.equal(response.status, 206, range)
    t.equal(response.headers.get('content-range'), `bytes ${from}-${to - 1}/${n}`)
    t.equal(response.headers.get('content-length'), String(to - from))
    t.equal(response.headers.get('etag'), etag)
    t.equal(Buffer.compare(body, bytes.subarray(from, to)), 0, `${range}: its bytes`)
  }
  for (const range of [`bytes=${n}-`, 'bytes=-0', `bytes=${'9'.repeat(300)}-`]) {
    const { response, body } = await ask({ Range: range })
    t.equal(response.status, 416, range.slice(0, 40))
    t.equal(response.headers.get('content-range'), `bytes */${n}`)
    t.type(JSON.parse(body.toString()).error, 'string')
  }
  for (const range of [
    'bytes=0-0,9-9',
    'bytes=9-3',
    'lines=1-2',
    'bytes=x',
    `bytes=${'1-2,'.repeat(2000)}3-4`,
  ]) {
    const { response, body } = await ask({ Range: range })
    t.equal(response.status, 200, `${range.slice(0, 40)}: all of it`)
    t.equal(body.length, n)
  }
  const whole: Record<string, string>[] = [
    { 'If-Range': '"other"' },
    { 'If-Range': `W/${etag}` },
    { 'If-Range': 'Sat, 21 Nov 2026 12:00:00 GMT' },
  ]
  for (const headers of whole) {
    const { response } = await ask({ Range: 'bytes=0-9', ...headers })
    t.equal(response.status, 200, `If-Range ${headers['If-Range']}: not this state`)
  }
  t.equal((await ask({ Range: 'bytes=0-9', 'If-Range': etag })).response.status, 206)
  t.equal((await ask({ Range: 'bytes=0-9', 'If-Match': '"other"' })).response.status, 412)
  t.equal(
    (await ask({ Range: 'bytes=0-9', 'If-Match': `W/${etag}` })).response.status,
    412,
    'compared strongly',
  )
  t.equal((await ask({ Range: 'bytes=0-9', 'If-Match': `"other", ${etag}` })).response.status, 206)
  t.equal((await ask({ 'If-Match': '*' })).response.status, 200)
  t.equal((await ask({ 'If-None-Match': etag })).response.status, 304)
  t.equal((await ask({ Range: 'bytes=0-9', 'If-None-Match': `"x", W/${etag}` })).response.status, 304)
  t.equal((await ask({ Range: 'bytes=0-9', 'If-None-Match': '"x"' })).response.status, 206)
  const head = await ask({ Range: 'bytes=0-9' }, 'HEAD')
  t.equal(head.response.status, 200, 'a range is for GET')
  t.equal(head.response.headers.get('content-length'), String(n))
  t.equal((await ask({}, 'POST')).response.status, 405)
})

t.test('others are no archives', async (t) => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'folder', '0', '0'), { recursive: true })
  writeFileSync(join(dir, 'folder', '0', '0', '0.jpg'), bytesFor(0, 0))
  const { get } = await serve(t, join(dir, 'folder'))
  const response = await get('/folder.pmtiles')
  t.equal(response.status, 404)
  t.match(((await response.json()) as { error: string }).error, /not a PMTiles archive/)
  t.equal((await get('/nothing.pmtiles')).status, 404)
})

t.test('a file replaced while it is read: all of it is of one file', async (t) => {
  const dir = t.testdir()
  const path = join(dir, 'a.pmtiles')
  const make = (name: string, fill: number): Buffer => {
    const writer = createTiles(name)
    for (let i = 0; i < 64; i++)
      writer.append(...tileIdToZxy(zoomBase(4) + i), new Uint8Array(200_000 + i).fill(fill))
    writer.seal()
    writer.close()
    return readFileSync(name)
  }
  const first = make(path, 1)
  make(join(dir, 'other'), 2)
  const { url } = await serve(t, path)
  const chunks: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    get(`${url}/a.pmtiles`, async (response) => {
      response.once('readable', () => renameSync(join(dir, 'other'), path))
      for await (const chunk of response) {
        chunks.push(chunk as Buffer)
        if (chunks.length % 8 === 0) await new Promise((go) => setTimeout(go, 1))
      }
      resolve()
    }).on('error', reject)
  })
  t.equal(Buffer.compare(Buffer.concat(chunks), first), 0)
})

t.test('a file that is opened for writing while it is downloaded: cut off, never mixed', async (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  const writer = createTiles(path)
  for (let i = 0; i < 100; i++)
    writer.append(...tileIdToZxy(zoomBase(4) + i), new Uint8Array(300_000 + i).fill(i))
  writer.seal()
  writer.close()
  const before = readFileSync(path)
  const { url } = await serve(t, path)
  const outcome = await new Promise<{ bytes: Buffer; whole: boolean }>((resolve) => {
    get(`${url}/a.pmtiles`, (response) => {
      const chunks: Buffer[] = []
      let isFirst = true
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        if (!isFirst) return
        isFirst = false
        response.pause()
        const again = reopenTiles(path)
        again.append(9, 0, 0, Uint8Array.of(1, 2, 3))
        again.close()
        setTimeout(() => response.resume(), 50)
      })
      response.on('close', () => resolve({ bytes: Buffer.concat(chunks), whole: response.complete }))
      response.on('error', () => {})
    })
  })
  t.equal(outcome.whole, false, 'the client sees that something is missing')
  t.equal(
    Buffer.compare(outcome.bytes, before.subarray(0, outcome.bytes.length)),
    0,
    'what came is of the old state',
  )
})

t.test(
  'clients that go away let go of the file',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const path = join(t.testdir(), 'a.pmtiles')
    const writer = createTiles(path)
    for (let i = 0; i < 100; i++)
      writer.append(...tileIdToZxy(zoomBase(4) + i), new Uint8Array(400_000 + i).fill(i))
    writer.seal()
    writer.close()
    const { url, server } = await serve(t, path)
    const source = insideOf(server).context.catalog.get('a')!
    let holds = 0
    const hold = source.hold.bind(source)
    source.hold = () => {
      holds++
      const release = hold()
      return () => {
        holds--
        release()
      }
    }
    const sockets = (): number => socketsOf().length
    const before = sockets()
    await Promise.all(
      Array.from(
        { length: 20 },
        () =>
          new Promise<void>((resolve) => {
            const asked = request(`${url}/a.pmtiles`, (response) => {
              response.once('data', () => {
                asked.destroy()
                resolve()
              })
              response.on('error', () => {})
            })
            asked.on('error', () => {})
            asked.end()
          }),
      ),
    )
    await until(
      () => `nothing to be held (${holds}), and no socket to be left (${sockets() - before})`,
      () => holds === 0 && sockets() <= before + 1,
    )
    t.pass('all is let go')
  },
)

function socketsOf(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  })
}

t.test('an archive of more than 4 GiB', async (t) => {
  const path = join(t.testdir(), 'large.pmtiles')
  const writer = createTiles(path)
  writer.append(1, 0, 0, bytesFor(1, 0))
  writer.close()
  // a hole among the values costs no room
  const hole = 5 * 2 ** 30
  const file = openRealFile(path, 'readwrite')
  const sb = currentSuperblock(file)
  for (const sequence of [sb.sequence + 1, sb.sequence + 2]) {
    const block = encodeSuperblock({ ...sb, sequence, valuesLength: hole }, new Uint8Array(SUPERBLOCK_BYTES))
    file.write(block, superblockOffset(sequence))
  }
  file.truncate(sb.valuesStart + hole)
  file.close()
  const again = reopenTiles(path)
  again.append(1, 1, 1, bytesFor(2, 0))
  const { url, get } = await serve(t, path)
  for (const state of ['growing', 'sealed']) {
    if (state === 'sealed') again.seal()
    else again.commit()
    const { headers } = await get('/large.pmtiles', { method: 'HEAD' })
    t.ok(Number(headers.get('content-length')) > hole, state)
    const client = clientOf(`${url}/large.pmtiles?${state}`)
    for (const [i, zxy] of (
      [
        [1, 0, 0],
        [1, 1, 1],
      ] as [number, number, number][]
    ).entries()) {
      const found = await client.getZxy(...zxy)
      t.equal(Buffer.compare(new Uint8Array(found!.data), bytesFor(i + 1, 0)), 0, `${state}: ${zxy}`)
    }
  }
  again.close()
})
