// Runs a command line and returns its exit code. Commands are small: they parse, call the library and print.
import { Command, CommanderError, type Option } from 'commander'
import { FlagstoneError, isBadOption } from '../errors.js'
import { fromNodeError } from '../platform/system-error.js'
import { version } from '../version.js'
import { asciiIo } from './ascii.js'
import { type CommandTable, type Context, EXIT, type Io, printableIo } from './io.js'
import { oneLine } from './printable.js'
import { checkUsage, usageError } from './usage.js'

type Define = (context: Context) => Command

/** The commands by name. Each is loaded when it is called; all are loaded when the name is none of them. */
const COMMANDS: readonly { readonly names: readonly string[]; load(): Promise<Define> }[] = [
  { names: ['build'], load: async () => (await import('./commands/build.js')).buildCommand },
  { names: ['info', 'show', 'summary'], load: async () => (await import('./commands/info.js')).infoCommand },
  { names: ['tile'], load: async () => (await import('./commands/tile.js')).tileCommand },
  { names: ['verify'], load: async () => (await import('./commands/verify.js')).verifyCommand },
  { names: ['sample'], load: async () => (await import('./commands/sample.js')).sampleCommand },
  { names: ['serve'], load: async () => (await import('./commands/serve.js')).serveCommand },
  { names: ['convert'], load: async () => (await import('./commands/convert.js')).convertCommand },
  { names: ['extract'], load: async () => (await import('./commands/extract.js')).extractCommand },
  { names: ['merge', 'join'], load: async () => (await import('./commands/merge.js')).mergeCommand },
  { names: ['digest'], load: async () => (await import('./commands/digest.js')).digestCommand },
  { names: ['diff', 'compare'], load: async () => (await import('./commands/diff.js')).diffCommand },
  {
    names: ['apply', 'apply-patch', 'apply-diff'],
    load: async () => (await import('./commands/apply.js')).applyCommand,
  },
  { names: ['batch'], load: async () => (await import('./commands/batch.js')).batchCommand },
  { names: ['probe'], load: async () => (await import('./commands/probe.js')).probeCommand },
]

/** The commands to load for the first argument: one, none for --version, or all for help and misspellings. */
function commandsFor([first]: readonly string[]): Promise<Define[]> {
  const called = COMMANDS.filter(({ names }) => first !== undefined && names.includes(first))
  const needed = first === '--version' || first === '-V' ? [] : called.length > 0 ? called : COMMANDS
  return Promise.all(needed.map(({ load }) => load()))
}

function program(context: Context, commands: readonly Define[]): Command {
  const { io } = context
  const root = new Command('flagstone')
    .description('Turn GeoTIFFs into one tile file that grows in place and is a PMTiles archive when sealed.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ optionDescription })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // reported like every other error
      outputError: () => {},
    })
    .addHelpText(
      'after',
      `
Examples:
  flagstone build ortho.tif ortho.pmtiles       create a tile file with overviews
  flagstone info ortho.pmtiles                  show its contents
  flagstone sample ortho.pmtiles --size 800 -o preview.png
  flagstone serve ortho.pmtiles                 start a map server and print its address
  flagstone verify ortho.pmtiles                check all structures and checksums

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 damage found, 4 success with losses
(build --skip-unreadable left something out), 130 interrupted (continue with --resume).`,
    )
  for (const define of commands) {
    const command = define(context)
    command
      .option('-q, --quiet', 'print results only, no messages')
      .option('-v, --verbose', 'print more messages, and stack traces of errors')
      .option('--json', 'print results as JSON')
      .exitOverride()
      .copyInheritedSettings(root)
    root.addCommand(command)
  }
  return root
}

/** The description, the choices and the default, without the quotes that commander puts around words. */
function optionDescription({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? '' : ` (choices: ${argChoices.join(', ')})`
  const preset = ['number', 'string'].includes(typeof defaultValue) ? ` (default: ${defaultValue})` : ''
  return `${description}${choices}${preset}`
}

/** Errors name an option as the command and as the library has it, `--skip-unreadable (skipUnreadable)`: here the flag. */
const inFlags = (message: string): string => message.replace(/(--[a-z-]+) \([a-z]+[A-Z][A-Za-z]*\)/g, '$1')

/** One sentence for people, or an object for programs; a stack only when asked for. */
function report(io: Io, thrown: unknown, argv: readonly string[]): void {
  const error = sentenceOf(thrown)
  const known = error instanceof FlagstoneError || isBadOption(error)
  const message = inFlags(error instanceof Error ? error.message : String(error))
  if (argv.includes('--json')) {
    const { code, errno, call, path } = known ? (error as FlagstoneError) : ({} as Partial<FlagstoneError>)
    const details = { code, errno, call, path }
    io.stderr.write(`${JSON.stringify({ error: { ...details, message } })}\n`)
  } else {
    io.stderr.write(`flagstone: ${oneLine(message)}\n`)
  }
  const wanted = argv.includes('-v') || argv.includes('--verbose')
  if (error instanceof Error && (wanted || !known)) io.stderr.write(`${error.stack}\n`)
}

/** A failed system call of Node as a FlagstoneError. */
function sentenceOf(error: unknown): unknown {
  const { syscall, path } = (error ?? {}) as NodeJS.ErrnoException
  return fromNodeError(error, syscall ?? 'a system call', path ?? 'flagstone')
}

function exitCodeOf(error: unknown, failureCode: number = EXIT.FAILED): number {
  if (isBadOption(error)) return EXIT.USAGE
  if (!(error instanceof FlagstoneError)) return failureCode
  if (error.code === 'INTERRUPTED') return EXIT.INTERRUPTED
  if (error.code === 'DAMAGED') return EXIT.DAMAGED
  return failureCode
}

const TABLE: CommandTable = {
  async named(name) {
    if (!COMMANDS.some(({ names }) => names.includes(name))) return undefined
    return program(SILENT, await commandsFor([name])).commands[0]
  },
  async parsed(argv) {
    const root = program(SILENT, await commandsFor(argv))
    checkUsage(root, argv)
    for (const command of root.commands) command.action(() => {})
    try {
      await root.parseAsync(argv as string[], { from: 'user' })
    } catch (error) {
      throw error instanceof CommanderError ? usageError(root, error, argv[0]) : error
    }
    return root.commands[0]!
  },
}

const NOWHERE = { write(): void {} }
const SILENT: Context = {
  io: { stdout: NOWHERE, stderr: NOWHERE, isTerminal: false, signal: new AbortController().signal },
  table: TABLE,
  exitCode: EXIT.OK,
}

/**
 * Runs one command line.
 * @param argv arguments after the program's name
 * @returns the exit code, see EXIT; never throws
 */
export async function run(argv: readonly string[], world: Io): Promise<number> {
  const shown = printableIo(world)
  const io = shown.ascii === true ? asciiIo(shown) : shown
  const context: Context = { io, table: TABLE, exitCode: EXIT.OK }
  let command: Command | undefined
  try {
    command = program(context, await commandsFor(argv))
    if (argv.length === 0) {
      command.outputHelp()
      return EXIT.USAGE
    }
    checkUsage(command, argv)
    await command.parseAsync(argv as string[], { from: 'user' })
    return context.exitCode
  } catch (thrown) {
    // help and the version are printed by now
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.OK
    const error =
      thrown instanceof CommanderError && command !== undefined
        ? usageError(command, thrown, argv[0])
        : thrown
    report(io, error, argv)
    return exitCodeOf(error, context.failureCode)
  }
}
