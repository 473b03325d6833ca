// Checks the superblocks, the size, the metadata and the sources of a Flagstone file. Together with index.ts and seal.ts this covers
// all that formats/flat-1.md promises.
import { crc32 } from '../../../format/crc.js'
import { HEADER_BLOCK_BYTES, SUPERBLOCK_A_OFFSET, SUPERBLOCK_BYTES } from '../../../format/layout.js'
import { applyChange, type Superblock } from '../../../format/superblock/fields.js'
import type { ByteFile } from '../../../platform/byte-file.js'
import { committedEnd } from '../../file/geometry.js'
import { pendingOutcome, resolved } from '../../file/pending.js'
import { crcOfRange } from '../../file/scan.js'
import { chooseFrom, readSlots } from '../../file/superblocks.js'
import { readMetadata, readSources } from '../../file/whole.js'
import type { Report, VerifyOptions } from './findings.js'
import { verifyRecords } from './index.js'
import { verifySeal } from './seal.js'

export function verifyFlat(file: ByteFile, options: VerifyOptions, report: Report): void {
  const chosen = chooseFrom(readSlots(file))
  const usable = chosen.problems.filter((p) => p === undefined).length
  // The writer of an unsealed file may have died while writing a superblock, so one valid copy is enough.
  const oneIsEnough = chosen.superblock !== undefined && !chosen.superblock.sealed
  report.good('F1', `superblock ${chosen.superblock?.sequence} is in force, both copies are valid`)
  for (const [slot, problem] of chosen.problems.entries()) {
    if (problem === undefined) continue
    const message = `superblock ${slot === 0 ? 'A' : 'B'}: ${problem.problem}`
    if (oneIsEnough) report.good('F1', `superblock ${chosen.superblock?.sequence} is in force; ${message}`)
    else report.bad('F1', message, SUPERBLOCK_A_OFFSET + slot * SUPERBLOCK_BYTES)
  }
  if (usable === 0 || chosen.superblock === undefined) return
  for (const [invariant, message] of SUPERBLOCK_INVARIANTS) report.good(invariant, message)
  const sb = settle(file, chosen.superblock, report)
  verifySize(file, sb, report)
  verifyMetadata(file, sb, report)
  verifySources(file, sb, report)
  verifyRecords(file, sb, options, report)
  if (sb.sealed) verifySeal(file, sb, report)
  else {
    report.current = 'F15'
    const zero = crcOfRange(file, 0, HEADER_BLOCK_BYTES) === crc32(new Uint8Array(HEADER_BLOCK_BYTES))
    // A crash between two steps of sealing leaves the file like this. It is not damage, because nothing reads the
    // header.
    const left =
      'not sealed, and the PMTiles header holds what an interrupted seal left; the next writer clears it'
    report.good('F15', zero ? 'not sealed, the PMTiles header is blank' : left)
  }
}

/** These are checked when a superblock is decoded: a copy that breaks one is not valid (F1). */
const SUPERBLOCK_INVARIANTS = [
  ['F2', 'versions and reserved bytes'],
  ['F3', 'growth unit and alignment of all parts'],
  ['F4', 'counts fit their regions'],
  ['F5', 'no regions overlap'],
  ['F16', 'sealed, file length and placement go together'],
] as const

function settle(file: ByteFile, sb: Superblock, report: Report): Superblock {
  report.current = 'F8'
  report.good('F8', 'no change of geometry is pending')
  if (sb.pending === undefined) return sb
  const { kind, length, at, sizeBefore } = sb.pending
  const outcome = pendingOutcome(file, sb)
  const sizeAfter = applyChange(sb, sb.pending).valuesStart - sb.valuesStart + sizeBefore
  report.good(
    'F8',
    `a pending ${kind} of ${length} bytes at ${at} is ${outcome} (sizes ${sizeBefore} → ${sizeAfter})`,
  )
  return resolved(sb, outcome)
}

function verifySize(file: ByteFile, sb: Superblock, report: Report): void {
  report.current = 'F7'
  const size = file.size()
  if (sb.sealed)
    report.check('F7', size === sb.fileLength, `the file has ${size} bytes, sealed with ${sb.fileLength}`)
  else
    report.check(
      'F7',
      size >= committedEnd(sb),
      `the file has ${size} bytes, ${committedEnd(sb)} are committed`,
    )
  report.good('F7', `${size} bytes`)
}

function verifyMetadata(file: ByteFile, sb: Superblock, report: Report): void {
  report.current = 'F6'
  report.good('F6', sb.metadata === undefined ? 'no metadata' : `metadata of ${sb.metadata.length} bytes`)
  try {
    readMetadata(file, sb)
  } catch (error) {
    report.bad('F6', (error as Error).message, sb.valuesStart + (sb.metadata?.offset ?? 0))
  }
}

/** F24, their place, is looked at when a superblock is decoded. */
function verifySources(file: ByteFile, sb: Superblock, report: Report): void {
  report.current = 'F25'
  const { sources } = sb
  report.good('F24', sources === undefined ? 'no sources' : `sources of ${sources.length} bytes`)
  report.good('F25', sources === undefined ? 'no sources' : `${sources.count} sources`)
  try {
    readSources(file, sb)
  } catch (error) {
    report.bad('F25', (error as Error).message, sb.valuesStart + (sources?.offset ?? 0))
  }
}
