// Runs convert or one of its relatives with progress, and prints its report.

import type { TransferReport } from '../transfer/report.js'
import type { TransferContext } from '../transfer/transfer.js'
import { formatBytes, formatDuration, plural } from './format.js'
import { type CommonOptions, type Io, printJson, say } from './io.js'
import { progressView } from './progress.js'
import { namingWhatItIs } from './tile-files.js'

export async function runTransfer(
  io: Io,
  options: CommonOptions,
  work: (context: TransferContext) => Promise<TransferReport>,
): Promise<void> {
  const view = progressView(io, options)
  const working = work({ signal: io.signal, onProgress: (state) => view.update(state) })
  const report = await namingWhatItIs(working).finally(() => view.stop())
  if (options.json === true) {
    printJson(io, report)
    return
  }
  for (const note of report.notes) say(io, options, note)
  const size = report.fileBytes === undefined ? formatBytes(report.tileBytes) : formatBytes(report.fileBytes)
  const zooms = report.levels.length === 1 ? 'zoom' : 'zooms'
  const [first, last] = [report.levels[0]?.zoom, report.levels.at(-1)?.zoom]
  const range = first === last ? `${first}` : `${first}–${last}`
  say(
    io,
    options,
    `${report.out}: ${plural(report.tiles, 'tile')}, ${zooms} ${range}, ${size}, in ${formatDuration(report.seconds)}`,
  )
  say(io, options, `digest ${report.digest}`)
}
