// The file that --report names.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import type { BatchReport } from '../../batch/report.js'
import { FlagstoneError } from '../../errors.js'
import { placeAt } from '../../platform/place.js'
import { removeFile, renameReplace } from '../../platform/rename.js'
import { fromNodeError } from '../../platform/system-error.js'

const HEAD = '{\n  "report": "flagstone batch"'

/** @throws EXISTS when another kind of file is there. @throws NOT_FOUND, SYSTEM */
export function checkReport(path: string): void {
  const { kind } = placeAt(path)
  if (kind === 'nothing') return
  if (kind === 'file' && (statSync(path).size === 0 || readFileSync(path, 'utf8').startsWith(HEAD))) return
  throw new FlagstoneError(
    'EXISTS',
    `${path} exists and is not a report of a batch; choose another name for --report, or remove it first.`,
    { path },
  )
}

/** @throws EXISTS, DISK_FULL, SYSTEM */
export function writeReport(path: string, report: BatchReport): void {
  checkReport(path)
  const beside = `${path}.tmp`
  try {
    writeFileSync(beside, `${JSON.stringify(report, null, 2)}\n`)
    renameReplace(beside, path)
  } catch (error) {
    removeFile(beside)
    throw fromNodeError(error, 'write', path)
  }
}
