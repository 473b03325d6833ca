// A file on a disk that fails: the n-th operation raises an error, or the power goes at it. Wraps a MemoryFile
// and keeps, beside what the program sees, what a disk may hold: everything up to the last sync, and any
// part of what came after.
//
// The model of a power loss (ext4, data=ordered; XFS is no weaker):
// - Changes of geometry and size are journalled: they survive in order, up to some point, none after it.
// - Data writes survive in any combination, each whole, not at all, or torn at 512-byte sectors of the file: the
//   beginning, the end, or any of its sectors may be there (pages are written out in no order).
// - A data write made after an INSERT_RANGE may reach the disk although the insert did not: it lies at the same
//   file offset of the file as it was before. (This is why a store has to sync between the two.)
// - A write that survives beyond the surviving size is lost with the size.
import type { FlagstoneError } from '../../src/errors.js'
import type { ByteFile, Capabilities, LockName } from '../../src/platform/byte-file.js'
import { systemError } from '../../src/platform/system-error.js'
import type { MemoryFile } from './memory-file.js'
import { randomFrom } from './random.js'

const SECTOR = 512

/** The power went off. Not a FlagstoneError: nobody is meant to handle it. */
export class SimulatedCrash extends Error {
  override name = 'SimulatedCrash'
}

type Operation =
  | {
      readonly kind: 'write'
      readonly bytes: Uint8Array
      readonly position: number
      readonly extends: boolean
    }
  | { readonly kind: 'truncate'; readonly size: number }
  | { readonly kind: 'fallocate'; readonly mode: number; readonly offset: number; readonly length: number }

/** Which sectors of a write are on the disk, counted from its first, of so many. */
type Fate = (sector: number, sectors: number) => boolean
const LOST: Fate = () => false
const WHOLE: Fate = () => true

export class FaultFile implements ByteFile {
  readonly #file: MemoryFile
  /** What the disk holds for certain. */
  #synced: MemoryFile
  /** What came since, in order. */
  #pending: Operation[] = []
  #operations = 0
  #failAt = new Map<number, string>()
  #crashAt = Number.POSITIVE_INFINITY
  #crashed = false

  constructor(file: MemoryFile) {
    this.#file = file
    this.#synced = file.snapshot()
  }

  get path(): string {
    return this.#file.path
  }
  get writable(): boolean {
    return this.#file.writable
  }
  get capabilities(): Capabilities {
    return this.#file.capabilities
  }
  /** Operations so far: writes, truncates, fallocates and syncs. */
  get operations(): number {
    return this.#operations
  }

  /** The n-th operation (from 0) throws this errno, without effect. */
  failAt(n: number, errno: string): void {
    this.#failAt.set(n, errno)
  }

  /** The power goes off at the n-th operation: it and everything after it fail with SimulatedCrash. */
  crashAt(n: number): void {
    this.#crashAt = n
  }

  size(): number {
    return this.#file.size()
  }
  read(into: Uint8Array, position: number): number {
    return this.#file.read(into, position)
  }
  readAsync(into: Uint8Array, position: number): Promise<number> {
    return this.#file.readAsync(into, position)
  }

  write(bytes: Uint8Array, position: number): void {
    const extending = position + bytes.length > this.#file.size()
    const operation: Operation = { kind: 'write', bytes: bytes.slice(), position, extends: extending }
    // The write during which the power fails may have reached the disk in part: it is among the pending ones.
    this.#begin('write', operation)
    this.#file.write(bytes, position)
    this.#pending.push(operation)
  }

  /** As a write: any part of what is shared may be lost with the power. */
  cloneFrom(source: ByteFile, position: number, length: number, at: number): boolean {
    const isAligned = [position, length, at].every((place) => place % 4096 === 0)
    if (isAligned && this.capabilities.reflink) this.#take(source, position, length, at)
    return isAligned && this.capabilities.reflink
  }

  /** Stops half way, as the kernel may. */
  copyFrom(source: ByteFile, position: number, length: number, at: number): number {
    if (!this.capabilities.copyFileRange) return 0
    this.#take(source, position, Math.ceil(length / 2), at)
    return Math.ceil(length / 2)
  }

  #take(source: ByteFile, position: number, length: number, at: number): void {
    const bytes = new Uint8Array(length)
    source.read(bytes, position)
    this.write(bytes, at)
  }

  truncate(size: number): void {
    const operation: Operation = { kind: 'truncate', size }
    this.#begin('ftruncate', operation)
    this.#file.truncate(size)
    this.#pending.push(operation)
  }

  fallocate(mode: number, offset: number, length: number): void {
    const operation: Operation = { kind: 'fallocate', mode, offset, length }
    this.#begin('fallocate', operation)
    this.#file.fallocate(mode, offset, length)
    this.#pending.push(operation)
  }

  sync(): void {
    this.#begin('fdatasync')
    this.#file.sync()
    this.#synced = this.#file.snapshot()
    this.#pending = []
  }

  flushHint(): void {}
  unmap(): void {}

  map(): undefined {
    return undefined
  }
  tryLock(name: LockName, mode: 'shared' | 'exclusive'): boolean {
    return this.#file.tryLock(name, mode)
  }
  unlock(name: LockName): void {
    this.#file.unlock(name)
  }
  lockHolder(name: LockName): number | undefined {
    return this.#file.lockHolder(name)
  }
  close(): void {
    this.#file.close()
  }

  /**
   * What the disk may hold if the power goes (or went) now: nothing since the last sync, every prefix of it, all
   * data without any change of geometry, the last write torn, and `random` other combinations that the model allows.
   */
  crashImages(random = 4, seed = 1): MemoryFile[] {
    const pending = this.#pending
    const images: MemoryFile[] = []
    for (let n = 0; n <= pending.length; n++) images.push(this.#image(n, (i) => (i < n ? WHOLE : LOST)))
    // The journal was not written out, all data was.
    if (pending.length > 0) images.push(this.#image(0, () => WHOLE))
    const next = randomFrom(seed + this.#operations)
    const torn = pending.findLastIndex((operation) => operation.kind === 'write')
    if (torn >= 0) {
      const fate = tear(next)
      images.push(this.#image(pending.length, (i) => (i === torn ? fate : WHOLE)))
    }
    for (let n = 0; n < random && pending.length > 0; n++) {
      const journalled = Math.floor(next() * (pending.length + 1))
      const fates = pending.map(() => (next() < 0.4 ? LOST : next() < 0.7 ? WHOLE : tear(next)))
      images.push(this.#image(journalled, (i) => fates[i]!))
    }
    return images
  }

  /** @param journalled how many pending operations' geometry survived @param fate of each write */
  #image(journalled: number, fate: (index: number) => Fate): MemoryFile {
    const image = this.#synced.snapshot()
    this.#pending.forEach((operation, i) => {
      if (operation.kind === 'write') {
        const { bytes, position } = operation
        // The size is journalled even where the data behind it was lost: zeros then.
        if (i < journalled && operation.extends)
          image.truncate(Math.max(image.size(), position + bytes.length))
        writeSectors(image, bytes, position, fate(i))
      } else if (i < journalled) {
        if (operation.kind === 'truncate') image.truncate(operation.size)
        else image.fallocate(operation.mode, operation.offset, operation.length)
      }
    })
    return image
  }

  #begin(call: string, operation?: Operation): void {
    if (this.#crashed) throw new SimulatedCrash(`after the crash: ${call}`)
    const n = this.#operations++
    if (n >= this.#crashAt) {
      this.#crashed = true
      if (operation !== undefined && this.#possible(operation)) this.#pending.push(operation)
      throw new SimulatedCrash(`at operation ${n}: ${call}`)
    }
    const errno = this.#failAt.get(n)
    if (errno !== undefined) throw this.#failure(errno, call)
  }

  /** What the file system would have refused changes nothing, power or no power. */
  #possible(operation: Operation): boolean {
    if (operation.kind !== 'fallocate') return true
    try {
      this.#file.snapshot().fallocate(operation.mode, operation.offset, operation.length)
      return true
    } catch {
      return false
    }
  }

  #failure(errno: string, call: string): FlagstoneError {
    return systemError(errno, call, this.path, { operation: this.#operations - 1 })
  }
}

/** A write cut off somewhere, begun somewhere, or with sectors missing here and there. */
function tear(next: () => number): Fate {
  const shape = next()
  const share = next()
  if (shape < 0.5) return (sector, sectors) => sector < Math.floor(share * sectors)
  if (shape < 0.7) return (sector, sectors) => sector >= Math.floor(share * sectors)
  const seed = share * 2 ** 32
  return (sector) => randomFrom(seed + sector)() < 0.5
}

/** Writes the sectors that fate leaves, as far as the file reaches. */
function writeSectors(image: MemoryFile, bytes: Uint8Array, position: number, fate: Fate): void {
  const first = Math.floor(position / SECTOR)
  const end = Math.min(position + bytes.length, image.size())
  const sectors = Math.ceil((position + bytes.length) / SECTOR) - first
  if (fate === WHOLE && end > position) image.write(bytes.subarray(0, end - position), position)
  if (fate === WHOLE || fate === LOST) return
  for (let sector = 0; sector < sectors; sector++) {
    if (!fate(sector, sectors)) continue
    const from = Math.max(position, (first + sector) * SECTOR)
    const to = Math.min(end, (first + sector + 1) * SECTOR)
    if (to > from) image.write(bytes.subarray(from - position, to - position), from)
  }
}
