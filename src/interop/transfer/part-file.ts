// A file that is written under a temporary name beside its own, OUT.flagstone-part, and renamed when it is complete. Its lock tells a
// part that is being written from one that a killed process left behind, which is replaced.
import { statSync } from 'node:fs'
import { FlagstoneError } from '../../errors.js'
import { openRealFile } from '../../platform/real-file.js'
import { removeFile, renameOver } from '../../platform/rename.js'
import type { OutputPlace } from '../../store/output-path.js'

export const partPath = (out: string): string => `${out}.flagstone-part`

/** Puts a complete part under its name. @throws EXISTS when something else appeared there meanwhile */
export function publishPart({ path, replaces }: OutputPlace): void {
  if (renameOver(partPath(path), path, replaces)) return
  throw new FlagstoneError('EXISTS', `${path} changed just now, so it was not replaced.`, { path })
}

/** @throws LOCKED when another process is writing it */
export function removeStalePart(out: string): void {
  const part = partPath(out)
  if (statSync(part, { throwIfNoEntry: false }) === undefined) return
  const file = openRealFile(part, 'readwrite')
  try {
    if (!file.tryLock('writer', 'exclusive'))
      throw new FlagstoneError('LOCKED', `${out} is being written already; wait until it is done.`, {
        path: out,
      })
    removeFile(part)
  } finally {
    file.close()
  }
}

/**
 * Creates an empty part, locked until it is closed.
 * @throws LOCKED when another process is writing it
 * @throws DISK_FULL, SYSTEM when it cannot be created
 */
export function createPart(out: string): ReturnType<typeof openRealFile> {
  removeStalePart(out)
  const file = openRealFile(partPath(out), 'create')
  file.tryLock('writer', 'exclusive')
  return file
}

const BUFFER_BYTES = 4 * 1024 * 1024

/** A part that is written from its beginning to its end. */
export class PartFile {
  readonly #place: OutputPlace
  readonly #file: ReturnType<typeof openRealFile>
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  #buffered = 0
  #written = 0

  /**
   * @throws LOCKED when another process is writing it
   * @throws DISK_FULL, SYSTEM when it cannot be created
   */
  constructor(place: OutputPlace) {
    this.#place = place
    this.#file = createPart(place.path)
  }

  /** Number of bytes appended so far: the position of what comes next. */
  get length(): number {
    return this.#written + this.#buffered
  }

  /** Appends bytes, which are copied; returns their position. @throws DISK_FULL, SYSTEM */
  append(bytes: Uint8Array): number {
    const at = this.length
    if (this.#buffered + bytes.length > BUFFER_BYTES) this.#flush()
    if (bytes.length >= BUFFER_BYTES) {
      this.#file.write(bytes, this.#written)
      this.#written += bytes.length
    } else {
      this.#buffer.set(bytes, this.#buffered)
      this.#buffered += bytes.length
    }
    return at
  }

  /** Replaces bytes that were appended before: a header whose fields are known at the end. @throws DISK_FULL, SYSTEM */
  rewrite(bytes: Uint8Array, position: number): void {
    this.#flush()
    this.#file.write(bytes, position)
  }

  /** Makes it durable and puts it under its name. @throws EXISTS, DISK_FULL, SYSTEM */
  publish(): void {
    this.#flush()
    this.#file.sync()
    publishPart(this.#place)
    this.#file.close()
  }

  /** Removes it. */
  discard(): void {
    removeFile(partPath(this.#place.path))
    this.#file.close()
  }

  #flush(): void {
    if (this.#buffered === 0) return
    this.#file.write(this.#buffer.subarray(0, this.#buffered), this.#written)
    this.#written += this.#buffered
    this.#buffered = 0
  }
}
