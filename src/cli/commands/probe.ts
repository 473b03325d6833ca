// `flagstone probe DIR`: what this file system can do, and which growth will be used.
import { Command } from 'commander'
import { probeDirectory } from '../../platform/probe.js'
import { table } from '../format.js'
import { type CommonOptions, type Context, print, printJson } from '../io.js'

const yes = (able: boolean): string => (able ? 'yes' : 'no')

export function probeCommand({ io }: Context): Command {
  return new Command('probe')
    .description(
      'try what the file system of a directory can do, and say which growth a build there will use',
    )
    .argument('[dir]', 'the directory to try (a temporary file is made there)', '.')
    .addHelpText('after', '\nExamples:\n  flagstone probe\n  flagstone probe /mnt/tiles --json')
    .action((dir: string, options: CommonOptions) => {
      const found = probeDirectory(dir)
      const growth = found.insertRange ? 'insert' : 'relocate'
      if (options.json === true) {
        printJson(io, { directory: dir, ...found, growth })
        return
      }
      const direct = found.directAlignBytes > 0 ? `yes, aligned to ${found.directAlignBytes} bytes` : 'no'
      print(io, `${dir}: ${found.fileSystem}`)
      print(
        io,
        table([
          ['  insert range', yes(found.insertRange)],
          ['  collapse range', yes(found.collapseRange)],
          ['  punch hole', yes(found.punchHole)],
          ['  zero range', yes(found.zeroRange)],
          ['  preallocate', yes(found.allocate)],
          ['  growth unit', `${found.growthUnitBytes} bytes`],
          ['  direct I/O', direct],
          ['  reflink copies', yes(found.reflink)],
          ['  copy_file_range', yes(found.copyFileRange)],
        ]),
      )
      print(
        io,
        growth === 'insert'
          ? 'Growth: insert – index regions grow in place, values are moved by the file system without copying.'
          : 'Growth: relocate – index regions are copied to the end of the file when they fill (about 0.2 % of the data).',
      )
    })
}
