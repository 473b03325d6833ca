// What readers hand out is memory that may be cloned, sent, transferred, cut and written to: nothing of that may end
// the process, change the file, or change another tile. And mappings end with their reader.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import t from 'tap'
import { create, describe, open, type TileReader } from '../../src/index.js'
import { valueFor } from './model.js'

const COUNT = 18
const LENGTHS = [1, 60, 100, 5_000, 70_000, 1_500_000]
const storedValue = (i: number): Uint8Array => valueFor(i, LENGTHS[i % LENGTHS.length]!)

/** The same tiles in a sealed file, one that is open for writing, and an archive of somebody else's. */
function files(directory: string): Record<'sealed' | 'growing' | 'foreign', string> {
  const at = (name: string): string => join(directory, name)
  const paths = {
    sealed: at('sealed.pmtiles'),
    growing: at('growing.pmtiles'),
    foreign: at('foreign.pmtiles'),
  }
  for (const path of [paths.sealed, paths.growing]) {
    const writer = create(path, { levels: [{ zoom: 8, expectedTiles: 5000 }], dedupe: false })
    for (let i = 0; i < COUNT; i++) writer.append(8, i, 7, storedValue(i))
    writer.setMetadata({ name: 'memory', list: [1, 2, 3] })
    if (path === paths.sealed) writer.seal()
    writer.close()
  }
  writeFileSync(
    paths.foreign,
    readFileSync(new URL('../../../fixtures/valid/foreign.pmtiles', import.meta.url)),
  )
  return paths
}

/** Everything that people do with a Uint8Array; each of it touches all of the buffer, or writes. */
function useHard(bytes: Uint8Array): void {
  const { buffer, length } = bytes
  structuredClone(bytes)
  structuredClone(buffer)
  buffer.slice(0)
  Buffer.from(buffer).toString('base64')
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(bytes)
  const received = receiveMessageOnPort(port2) as { message: Uint8Array }
  if (Buffer.compare(received.message, bytes) !== 0) throw new Error('the clone differs')
  port1.close()
  bytes.fill(0x55)
  bytes.reverse()
  new DataView(buffer as ArrayBuffer, bytes.byteOffset, length).setUint8(0, 7)
  // Memory that cannot be transferred is copied by some versions of Node and refused by others.
  try {
    structuredClone(bytes, { transfer: [buffer as ArrayBuffer] })
  } catch (error) {
    if ((error as Error).name !== 'DataCloneError') throw error
  }
}

/** Every ArrayBuffer that can be reached from a value. */
function buffersOf(
  value: unknown,
  found = new Set<ArrayBufferLike>(),
  seen = new Set<unknown>(),
): Set<ArrayBufferLike> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return found
  seen.add(value)
  if (value instanceof ArrayBuffer) found.add(value)
  else if (ArrayBuffer.isView(value)) found.add(value.buffer)
  else if (value instanceof Map) for (const entry of value) buffersOf(entry, found, seen)
  else
    for (const key of Reflect.ownKeys(value))
      buffersOf((value as Record<PropertyKey, unknown>)[key], found, seen)
  return found
}

/** Tiles of which no two are stored once. */
const placesOf = (reader: TileReader): [number, number, number][] =>
  [...new Map([...reader.tiles()].map(({ z, x, y, etag }) => [etag, [z, x, y]])).values()] as never

t.test('tiles', (t) => {
  for (const [name, path] of Object.entries(files(t.testdir()))) {
    for (const zeroCopy of [false, true]) {
      t.test(`${name}, ${zeroCopy ? 'views' : 'copies'}`, async (t) => {
        const before = readFileSync(path)
        const reader = open(path, { zeroCopy })
        const places = placesOf(reader)
        const right = places.map((place) => Buffer.from(reader.get(...place)!.bytes))
        t.ok(places.length > 1)
        const isView = zeroCopy && name !== 'growing'
        t.equal(reader.zeroCopy, isView)
        const held = places.map((place) => reader.get(...place)!)
        for (const { bytes } of held) {
          if (isView) t.ok(bytes.buffer.byteLength <= before.length, 'the buffer ends with the file')
          else t.equal(bytes.buffer.byteLength, bytes.length, 'memory of its own')
        }
        // one after the other, so that damage to a neighbour shows
        for (const [i, { bytes }] of held.entries()) {
          for (let n = i; n < held.length; n++)
            if (Buffer.compare(held[n]!.bytes, right[n]!) !== 0)
              t.fail(`using tile ${i - 1} changed tile ${n}`)
          useHard(bytes)
        }
        if (!isView)
          t.same(
            places.map((place) => Buffer.from(reader.get(...place)!.bytes)),
            right,
            'the reader gives what is stored',
          )
        for (const [i, place] of places.entries()) {
          const { bytes } = (await reader.getAsync(...place))!
          t.ok(Buffer.from(bytes).equals(right[i]!))
          useHard(bytes)
        }
        reader.close()
        for (const { bytes } of held) if (bytes.length > 0) bytes[0] = bytes[0]! + 1
        t.ok(readFileSync(path).equals(before), 'the file is as it was')
        const again = open(path)
        t.same(
          places.map((place) => Buffer.from(again.get(...place)!.bytes)),
          right,
        )
        again.close()
      })
    }
  }
  t.end()
})

t.test('nothing else that is handed out is the memory of a file', (t) => {
  for (const [name, path] of Object.entries(files(t.testdir()))) {
    const reader = open(path)
    const before = [...reader.tiles()]
    const given: unknown[] = [
      reader.metadata(),
      reader.levels(),
      [...reader.tiles()],
      placesOf(reader).map((place) => reader.stat(...place)),
      describe(reader),
      reader.kind === 'flat' ? reader.superblock : reader.header,
      reader,
    ]
    for (const buffer of buffersOf(given)) useHard(new Uint8Array(buffer as ArrayBuffer))
    t.same([...reader.tiles()], before, `${name} is read as before`)
    reader.close()
  }
  t.end()
})

t.test('a large value is a view with a buffer of its own', (t) => {
  const path = join(t.testdir(), 'large.pmtiles')
  const writer = create(path)
  const value = valueFor(5, 9_000_000)
  writer.append(3, 1, 1, valueFor(1, 100))
  writer.append(3, 2, 2, value)
  writer.seal()
  writer.close()
  const reader = open(path, { zeroCopy: true })
  const { bytes } = reader.get(3, 2, 2)!
  t.ok(Buffer.compare(bytes, value) === 0)
  t.equal(bytes.buffer.byteLength, value.length)
  reader.close()
  t.ok(Buffer.compare(bytes, value) === 0, 'and outlives the reader')
  t.end()
})

/** How often files of a folder are mapped into this process. */
const mappingsBelow = (directory: string): number =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory)).length

t.test(
  'mappings end with their reader, in one turn of the event loop',
  { skip: process.platform !== 'linux' },
  (t) => {
    const directory = t.testdir()
    const paths = files(directory)
    const broken = join(directory, 'broken.pmtiles')
    writeFileSync(broken, readFileSync(paths.sealed).subarray(0, 30_000))
    for (const [name, path] of Object.entries({ ...paths, broken })) {
      for (let i = 0; i < 300; i++) {
        try {
          const reader = open(path)
          const [z, x, y] = placesOf(reader)[0]!
          reader.get(z, x, y)
          reader.close()
        } catch (error) {
          if (name !== 'broken') throw error
        }
      }
      t.equal(mappingsBelow(directory), 0, `300 times ${name}`)
    }
    t.end()
  },
)

t.test('what is under way when a reader is closed ends with a TypeError', async (t) => {
  for (const [name, path] of Object.entries(files(t.testdir()))) {
    for (const mode of ['mmap', 'buffered'] as const) {
      const reader = open(path, { mode })
      const [z, x, y] = placesOf(reader)[0]!
      const listing = reader.tiles()
      listing.next()
      const waiting = Array.from({ length: 8 }, () => reader.getAsync(z, x, y))
      reader.close()
      reader.close()
      for (const answer of await Promise.allSettled(waiting))
        t.match(answer, { reason: new TypeError('this reader is closed') }, `${name}, ${mode}`)
      t.throws(() => [...listing], TypeError)
      for (const ask of [
        () => reader.get(z, x, y),
        () => reader.getInto(z, x, y, new Uint8Array(9)),
        () => reader.has(z, x, y),
        () => reader.stat(z, x, y),
        () => reader.levels(),
        () => reader.metadata(),
        () => reader.fileBytes,
        () => reader.revision,
        () => reader.refresh(),
      ])
        t.throws(ask, new TypeError('this reader is closed'), `${name}, ${mode}: ${ask}`)
    }
  }
})
