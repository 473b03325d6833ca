// Reader and writer taking turns at every read and every write. A read must answer with a state that was
// committed at some moment while it ran, whatever the writer does in between; and at every step of the
// writer, a reader sees the last commit, or the next one, or is told to wait.

import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import type { ByteFile, Capabilities, LockName } from '../../src/platform/byte-file.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { randomFrom } from '../helpers/random.js'
import { expectSound, valueFor } from './model.js'

/** Calls back around every access. */
class HookedFile implements ByteFile {
  readonly path = 'hooked'
  constructor(
    readonly inner: MemoryFile,
    readonly hook: (call: string) => void,
  ) {}
  get writable(): boolean {
    return this.inner.writable
  }
  get capabilities(): Capabilities {
    return this.inner.capabilities
  }
  #around<T>(call: string, work: () => T): T {
    this.hook(call)
    const result = work()
    this.hook(call)
    return result
  }
  size = (): number => this.#around('size', () => this.inner.size())
  read = (into: Uint8Array, position: number): number =>
    this.#around('read', () => this.inner.read(into, position))
  readAsync = (into: Uint8Array, position: number): Promise<number> =>
    this.#around('read', () => this.inner.readAsync(into, position))
  /** Half a write is visible for a moment. */
  write = (bytes: Uint8Array, position: number): void => {
    this.hook('write')
    this.inner.write(bytes.subarray(0, bytes.length >> 1), position)
    this.hook('half a write')
    this.inner.write(bytes, position)
    this.hook('written')
  }
  truncate = (size: number): void => this.#around('truncate', () => this.inner.truncate(size))
  fallocate = (mode: number, offset: number, length: number): void =>
    this.#around('fallocate', () => this.inner.fallocate(mode, offset, length))
  sync = (): void => this.#around('sync', () => this.inner.sync())
  flushHint = (): void => {}
  map = (): undefined => undefined
  unmap = (): void => {}
  tryLock = (name: LockName, mode: 'shared' | 'exclusive'): boolean => this.inner.tryLock(name, mode)
  unlock = (name: LockName): void => this.inner.unlock(name)
  lockHolder = (name: LockName): number | undefined => this.inner.lockHolder(name)
  close = (): void => this.inner.close()
}

const OPTIONS = { initialRegionBytes: 4096, tailRecords: 8, stagingBytes: 4096, commitBytes: 0 }

/** A writer that does something else each time, and the history of its commits. */
class Busy {
  /** Number of the last commit that may be visible. */
  version = 0
  /** What each tile became, by commit. */
  readonly changes = new Map<number, { version: number; bytes: Uint8Array | undefined }[]>()
  readonly changed = new Set<number>()
  live = new Map<number, Uint8Array>()
  writer: TileWriter
  next = [0, 0, 0]
  steps = 0

  constructor(
    readonly open: () => ByteFile,
    readonly random: () => number,
  ) {
    this.writer = TileWriter.create(open(), OPTIONS)
  }

  put(key: number, bytes: Uint8Array): void {
    const [z, x, y] = tileIdToZxy(key)
    this.writer.append(z, x, y, bytes)
    this.live.set(key, bytes)
    this.changed.add(key)
  }

  /** Something is announced before it may become visible. */
  publish(work: () => void): void {
    this.version++
    for (const key of this.changed) {
      const list = this.changes.get(key) ?? []
      this.changes.set(key, list)
      list.push({ version: this.version, bytes: this.live.get(key) })
    }
    this.changed.clear()
    work()
  }

  /** What a tile was in commits `from` to now. */
  possible(key: number, from: number): (Uint8Array | undefined)[] {
    const list = this.changes.get(key) ?? []
    const before = list.filter((change) => change.version <= from).at(-1)?.bytes
    return [before, ...list.filter((change) => change.version > from).map((change) => change.bytes)]
  }

  step(): void {
    const seed = this.steps++
    const kind = this.random()
    const level = Math.floor(this.random() * 3)
    const zoom = 5 + level
    if (kind < 0.45) {
      for (let i = 0; i < 60 && this.next[level]! < 4 ** zoom; i++)
        this.put(zoomBase(zoom) + this.next[level]!++, valueFor(seed * 1000 + i, 1 + (i % 50)))
      this.publish(() => this.writer.commit())
    } else if (kind < 0.8) {
      const keys = [...this.live.keys()]
      for (let i = 0; i < 6 && keys.length > 0; i++) {
        const key = keys[Math.floor(this.random() * keys.length)]!
        const [z, x, y] = tileIdToZxy(key)
        if (this.random() < 0.7) this.put(key, valueFor(seed * 1000 + i, 60))
        else if (this.writer.remove(z, x, y)) {
          this.live.delete(key)
          this.changed.add(key)
        }
      }
      this.publish(() => this.writer.commit())
    } else if (kind < 0.92)
      this.publish(() => void this.writer.seal({ placement: this.random() < 0.5 ? 'auto' : 'tail' }))
    else {
      this.publish(() => this.writer.close())
      this.writer = TileWriter.reopen(this.open(), OPTIONS)
    }
  }
}

const cases: [string, Partial<Capabilities>][] = [
  ['insert', {}],
  ['insert, no collapse', { collapseRange: false }],
  ['relocation', { insertRange: false, collapseRange: false }],
]
const SEED = Number(process.env.FLAGSTONE_TEST_SEED ?? Date.now() % 1_000_000_000)

for (const [name, capabilities] of cases) {
  t.test(`a writer between any two reads: ${name} (seed ${SEED})`, async (t) => {
    const file = new MemoryFile({ capabilities })
    const dice = randomFrom(SEED)
    const busy = new Busy(() => file.reopen(), dice)
    let disturbing = false
    let disturbed = 0
    const disturb = (): void => {
      if (disturbing || dice() > 0.01) return
      disturbing = true
      busy.step()
      disturbed++
      disturbing = false
    }
    const reader = FlatReader.open(new HookedFile(file.reopen(false), disturb))
    for (let i = 0; i < 600; i++) {
      const zoom = 5 + Math.floor(dice() * 3)
      const key = zoomBase(zoom) + Math.floor(dice() * Math.min(4 ** zoom, busy.next[zoom - 5]! + 3))
      const [z, x, y] = tileIdToZxy(key)
      const from = busy.version
      const tile = i % 3 === 0 ? await reader.getAsync(z, x, y) : reader.get(z, x, y)
      if (!busy.possible(key, from).some((bytes) => same(bytes, tile?.bytes)))
        throw new Error(
          `read ${i}, tile ${z}/${x}/${y}: ${tile?.bytes.length} bytes, not of states ${from} to ${busy.version}`,
        )
      if (i % 50 === 0) for (const _ of reader.tiles({ zoom })) disturb()
    }
    reader.close()
    busy.writer.close()
    expectSound(verify(file.reopen(false)))
    t.ok(disturbed > 30, `${disturbed} steps of the writer during 600 reads`)
  })

  t.test(`a reader at every step of a writer: ${name} (seed ${SEED})`, (t) => {
    const file = new MemoryFile({ capabilities })
    const dice = randomFrom(SEED + 1)
    let looks = 0
    let waits = 0
    let readers: FlatReader[] = []
    const look = (call: string): void => {
      if (readers.length === 0 || dice() > 0.25) return
      const fresh = dice() < 0.2 ? open(file) : undefined
      for (const reader of [...readers, fresh]) {
        if (reader === undefined) continue
        const keys = [...busy.live.keys()]
        const key = keys[Math.floor(dice() * keys.length)] ?? zoomBase(5)
        const [z, x, y] = tileIdToZxy(key)
        try {
          const bytes = reader.get(z, x, y)?.bytes
          looks++
          if (!busy.possible(key, busy.version - 1).some((state) => same(state, bytes)))
            throw new Error(
              `at ${call}: tile ${z}/${x}/${y} has ${bytes?.length} bytes, neither of the last two commits`,
            )
        } catch (error) {
          if (!(error instanceof FlagstoneError && error.code === 'LOCKED')) throw error
          waits++
        }
      }
      fresh?.close()
    }
    const busy: Busy = new Busy(() => new HookedFile(file.reopen(), look), dice)
    for (let i = 0; i < 120; i++) {
      if (i % 20 === 5) readers = [open(file)!].filter((r) => r !== undefined)
      if (i % 20 === 18) {
        for (const reader of readers) reader.close()
        readers = []
      }
      busy.step()
    }
    busy.writer.close()
    expectSound(verify(file.reopen(false)))
    t.ok(looks > 500, `${looks} looks, ${waits} waits`)
    t.end()
  })
}

/** A reader that does not wait: the writer of this test cannot go on meanwhile. */
function open(file: MemoryFile): FlatReader | undefined {
  try {
    return FlatReader.open(file.reopen(false), { busyTimeoutMs: 0 })
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'LOCKED') return undefined
    throw error
  }
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}
