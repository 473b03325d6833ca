// `flagstone probe DIR`: what this file system can do, and which growth will be used.
import { Argument, Command } from 'commander'
import { probeDirectory } from '../../platform/probe.js'
import { table } from '../format.js'
import { type CommonOptions, type Context, print, printJson } from '../io.js'

const yes = (able: boolean): string => (able ? 'yes' : 'no')

export function probeCommand({ io }: Context): Command {
  return new Command('probe')
    .description("test what a directory's file system can do, and show how tile files there will grow")
    .addArgument(
      new Argument('[dir]', 'directory to test (a temporary file is created there)').default(
        '.',
        'this directory',
      ),
    )
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
          ? 'Growth: insert – the index grows in place; the file system moves the tiles without copying them.'
          : 'Growth: relocate – parts of the index are copied to the end of the file when they are full (about 0.2 % of the data).',
      )
    })
}
