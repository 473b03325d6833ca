// Determines whether a change of geometry that was announced before a crash took place. The size of the file tells,
// because the change is the only step between two superblocks. But an ext4 or XFS that lost power during a long shift
// may have the new size with only half of the bytes moved. So a size that says "applied" is believed only if the
// contents agree: the first and last record of every index, and the values with the lowest and highest offset, must
// match their checks. A shift begins at the end of the file and works towards the insertion point, so a missing part
// always contains one of these.
import { FlagstoneError } from '../../errors.js'
import { RECORD_BYTES, RECORD_WORDS } from '../../format/layout.js'
import { contentCrcAt, isDeletedAt, lengthAt, offsetAt } from '../../format/record.js'
import { applyChange, type Superblock } from '../../format/superblock/fields.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { crcOfRange, scanRecords } from './scan.js'

export type PendingOutcome = 'applied' | 'not-applied'

/** The outcome of `sb.pending`. Writes nothing. @throws DAMAGED when the contents fit neither outcome */
export function pendingOutcome(file: ByteFile, sb: Superblock): PendingOutcome {
  const { kind, length, sizeBefore, at } = sb.pending!
  const size = file.size()
  const sizeAfter = kind === 'insert' ? sizeBefore + length : sizeBefore - length
  const what = `an ${kind === 'insert' ? 'insertion' : 'excision'} of ${length} bytes at ${at} was interrupted`
  if (size !== sizeBefore && size !== sizeAfter)
    throw new FlagstoneError(
      'DAMAGED',
      `${file.path}: ${what}, and the file has ${size} bytes, neither the ${sizeBefore} before nor the ${sizeAfter} after it.`,
    )
  const [first, second]: PendingOutcome[] =
    size === sizeAfter ? ['applied', 'not-applied'] : ['not-applied', 'applied']
  const findings = contentProblem(file, resolved(sb, first!))
  if (findings === undefined) return first!
  // The file system journals the size apart from the shift: before an insertion, after an excision.
  const sizeFirst = kind === 'insert' ? 'applied' : 'not-applied'
  if (first === sizeFirst && contentProblem(file, resolved(sb, second!)) === undefined) return second!
  throw new FlagstoneError(
    'DAMAGED',
    `${file.path}: ${what} and is only partly done: ${findings}. Restore the file from a copy, or salvage what verifies.`,
  )
}

/** The superblock with its pending change applied or dropped. */
export function resolved(sb: Superblock, outcome: PendingOutcome): Superblock {
  const pending = sb.pending
  if (pending === undefined) return sb
  return { ...(outcome === 'applied' ? applyChange(sb, pending) : sb), pending: undefined }
}

/** The first sample that is not where the superblock says; undefined when all are. */
function contentProblem(file: ByteFile, sb: Superblock): string | undefined {
  let lowest = Number.POSITIVE_INFINITY
  let highest = -1
  const extremes: { zoom: number; index: number }[] = []
  for (const [zoom, level] of sb.levels.entries()) {
    if (level.count === 0) continue
    for (const index of new Set([0, level.count - 1])) {
      const problem = recordProblem(file, sb, zoom, index)
      if (problem !== undefined) return problem
    }
    scanRecords(file, level.offset, level.count, (words, word, index) => {
      if (isDeletedAt(words, word)) return
      const offset = offsetAt(words, word)
      if (offset < lowest) {
        lowest = offset
        extremes[0] = { zoom, index }
      }
      if (offset > highest) {
        highest = offset
        extremes[1] = { zoom, index }
      }
    })
  }
  for (const { zoom, index } of extremes) {
    const problem = recordProblem(file, sb, zoom, index)
    if (problem !== undefined) return problem
  }
  return undefined
}

function recordProblem(file: ByteFile, sb: Superblock, zoom: number, index: number): string | undefined {
  const position = sb.levels[zoom]!.offset + index * RECORD_BYTES
  const where = `record ${index} of zoom ${zoom}, at ${position},`
  const words = new Uint32Array(RECORD_WORDS)
  if (file.read(new Uint8Array(words.buffer), position) < RECORD_BYTES)
    return `${where} is behind the end of the file`
  const offset = offsetAt(words, 0)
  const length = lengthAt(words, 0)
  if (offset + length > sb.valuesLength)
    return `${where} names a value at V+${offset} of ${length} bytes, beyond the ${sb.valuesLength} there are`
  if (crcOfRange(file, sb.valuesStart + offset, length) !== contentCrcAt(words, 0))
    return `${where} does not match its value at ${sb.valuesStart + offset}`
  return undefined
}
