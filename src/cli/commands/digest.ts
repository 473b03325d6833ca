// `flagstone digest FILE...`: one number for the tiles of an archive, whatever container they are in.
import { Command } from 'commander'
import { type DigestReport, digest } from '../../transfer/digest.js'
import { type CommonOptions, type Context, print, printJson } from '../io.js'
import { progressView } from '../progress.js'
import { namingWhatItIs, TILE_FILE } from '../tile-files.js'

export function digestCommand({ io }: Context): Command {
  return new Command('digest')
    .description('print a digest of the tiles of an archive: equal digests, equal tiles')
    .argument('<file...>', TILE_FILE)
    .addHelpText(
      'after',
      `
The digest is of places, types and bytes. It does not depend on the container, the layout or the order of the tiles.

Examples:
  flagstone digest old.mbtiles new.pmtiles
  flagstone digest new.pmtiles --json | jq -r .digest`,
    )
    .action(async (files: readonly string[], options: CommonOptions) => {
      const reports: (DigestReport & { file: string })[] = []
      for (const file of files) {
        const view = progressView(io, options)
        const work = digest(file, { signal: io.signal, onProgress: (state) => view.update(state) })
        const report = await namingWhatItIs(work).finally(() => view.stop())
        reports.push({ file, ...report })
        if (options.json !== true) print(io, `${report.digest}  ${file}`)
      }
      if (options.json === true) printJson(io, reports.length === 1 ? reports[0] : reports)
    })
}
