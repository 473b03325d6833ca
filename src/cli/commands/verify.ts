// `flagstone verify FILE`: checks every numbered invariant and every checksum.
import { Command } from 'commander'
import { verifyTiles } from '../../sampling/verify.js'
import { type CommonOptions, type Context, EXIT, print, printJson } from '../io.js'
import { namingWhatItIs, TILE_FILE } from '../tile-files.js'

interface VerifyOptions extends CommonOptions {
  readonly decode?: boolean
}

export function verifyCommand(context: Context): Command {
  const { io } = context
  return new Command('verify')
    .alias('validate')
    .description('check all structures and checksums of a tile file')
    .argument('<file>', TILE_FILE)
    .option('--decode', 'also decode every tile')
    .addHelpText(
      'after',
      '\nExamples:\n  flagstone verify ortho.pmtiles\n  flagstone verify ortho.pmtiles --decode --json\n\nExit code 3 if the file is damaged.',
    )
    .action(async (path: string, options: VerifyOptions) => {
      const work = verifyTiles(path, { decode: options.decode === true, signal: io.signal })
      const { ok, findings, digest } = await namingWhatItIs(work)
      if (!ok) context.exitCode = EXIT.DAMAGED
      if (options.json === true) {
        printJson(io, { file: path, ok, findings, digest })
        return
      }
      for (const finding of findings) {
        if (finding.ok && options.quiet === true) continue
        print(io, `${finding.ok ? 'ok    ' : 'DAMAGE'}  ${finding.invariant.padEnd(4)}  ${finding.message}`)
      }
      if (options.quiet !== true) {
        const failed = findings.filter((finding) => !finding.ok).length
        print(io, ok ? `${path} is sound.` : `${path}: ${failed} of ${findings.length} checks failed.`)
        if (digest !== undefined) print(io, `digest ${digest}`)
      }
    })
}
