// Copies a range from file to file: by sharing blocks where both lie alike, otherwise inside the kernel, otherwise
// through memory.
import { FlagstoneError } from '../../errors.js'
import { BLOCK_BYTES } from '../../format/layout.js'
import type { ByteFile } from '../../platform/byte-file.js'

const COPY_BYTES = 1 << 20
/** Shorter ranges are not worth the extents that sharing makes. */
const LEAST_CLONED = 1 << 20

/**
 * Copies a range. `how` 'clone': all of it but the ends by sharing blocks, or not at all, which returns false.
 * @throws DAMAGED when the source ends too early
 * @throws DISK_FULL, SYSTEM
 */
export function copyRange(
  file: ByteFile,
  source: ByteFile,
  position: number,
  length: number,
  at: number,
  how?: 'clone',
): boolean {
  const head = (BLOCK_BYTES - (position % BLOCK_BYTES)) % BLOCK_BYTES
  const whole = Math.max(0, length - head - ((position + length) % BLOCK_BYTES))
  const isAlike =
    (position - at) % BLOCK_BYTES === 0 && whole >= (how === 'clone' ? BLOCK_BYTES : LEAST_CLONED)
  const isCloned = isAlike && cloneInParts(file, source, position + head, whole, at + head)
  if (!isCloned && how === 'clone') return false
  if (!isCloned) copyPart(file, source, position, length, at)
  else {
    copyPart(file, source, position, head, at)
    const done = head + whole
    copyPart(file, source, position + done, length - done, at + done)
  }
  return true
}

/** A call may take long where a file has very many extents. */
const CLONE_BYTES = 2 ** 32

function cloneInParts(
  file: ByteFile,
  source: ByteFile,
  position: number,
  length: number,
  at: number,
): boolean {
  for (let done = 0; done < length; done += CLONE_BYTES) {
    const part = Math.min(CLONE_BYTES, length - done)
    if (file.cloneFrom?.(source, position + done, part, at + done) !== true) return false
  }
  return true
}

function copyPart(file: ByteFile, source: ByteFile, position: number, length: number, at: number): void {
  if (length === 0) return
  let done = file.copyFrom?.(source, position, length, at) ?? 0
  if (done === length) return
  const buffer = new Uint8Array(Math.min(COPY_BYTES, length - done))
  while (done < length) {
    const part = buffer.subarray(0, Math.min(buffer.length, length - done))
    if (source.read(part, position + done) !== part.length)
      throw new FlagstoneError(
        'DAMAGED',
        `${source.path}: the file ends within ${length} bytes at ${position}; restore it from a copy.`,
        { path: source.path },
      )
    file.write(part, at + done)
    done += part.length
  }
}
