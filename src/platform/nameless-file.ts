// A temporary file that has no name once it is open, so that nothing is left of it however the process ends.
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromNodeError } from './system-error.js'
import { readAt, writeAt } from './transfer.js'

export class NamelessFile {
  readonly fd: number
  /** The name that it had, for messages. */
  readonly #path: string

  /** Default: in the system's directory for temporary files. @throws DISK_FULL, SYSTEM */
  constructor(directory = tmpdir()) {
    this.#path = join(directory, `.flagstone-${process.pid}-${randomBytes(6).toString('hex')}`)
    try {
      this.fd = openSync(this.#path, 'wx+', 0o600)
      unlinkSync(this.#path)
    } catch (error) {
      throw fromNodeError(error, 'open', this.#path)
    }
  }

  /** @throws DISK_FULL, SYSTEM */
  write(bytes: Uint8Array, position: number): void {
    try {
      writeAt(this.fd, bytes, position)
    } catch (error) {
      throw fromNodeError(error, 'write', this.#path)
    }
  }

  /** Fills `into`; returns the number of bytes read, which is smaller only at the end. @throws SYSTEM */
  read(into: Uint8Array, position: number): number {
    try {
      return readAt(this.fd, into, position)
    } catch (error) {
      throw fromNodeError(error, 'read', this.#path)
    }
  }

  close(): void {
    closeSync(this.fd)
  }
}
