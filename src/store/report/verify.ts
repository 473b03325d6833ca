// Checks a file against everything that formats/flat-1.md promises: each numbered invariant (F1 …), every record's
// check, and the PMTiles archive of a sealed file against the index, entry by entry. Foreign PMTiles archives are
// checked as go-pmtiles' verify does (P1 …). Findings are data; nothing is repaired.
//
// The file should not be written meanwhile: verify holds no lock, and reads the state that it finds at the start.
import { FlagstoneError } from '../../errors.js'
import type { ByteFile } from '../../platform/byte-file.js'
import { isFlat } from '../read/open.js'
import { type Finding, Report, type VerifyOptions } from './verify/findings.js'
import { verifyFlat } from './verify/flat.js'
import { verifyPmtiles } from './verify/pmtiles.js'

export type { Finding } from './verify/findings.js'

/** Checks a file. Never throws for faults in the file. */
export function verify(file: ByteFile, options: VerifyOptions = {}): Finding[] {
  const report = new Report(options.limit ?? 10)
  try {
    if (isFlat(file)) verifyFlat(file, options, report)
    else verifyPmtiles(file, options, report)
  } catch (error) {
    if (!(error instanceof FlagstoneError)) throw error
    report.bad(report.current, error.message)
  }
  return report.findings()
}
