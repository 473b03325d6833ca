// Turns the words of a job into a command line, and asks the command's own parser. It knows commands only by their
// definitions, so new commands and options need no change here. What a definition does not say is in the two tables.
import type { Command, Option } from 'commander'
import type { CommandLine, Commands, LineText, Shape } from '../../batch/commands.js'
import type { OptionTexts } from '../../batch/options.js'
import { FlagstoneError } from '../../errors.js'
import type { CommandTable } from '../io.js'

/** These end with no output and no verdict, never end, or write bytes to standard output. */
const NOT_JOBS = new Set(['batch', 'serve', 'probe', 'tile'])
/** The argument that names the file that is created, where it is not called `out`; of a list the last is meant. */
const CREATED: Readonly<Record<string, string>> = { build: 'paths', merge: 'files', diff: 'patch' }
/** Options that name other files that are created, and the argument that names a file that is changed in place. */
const ALSO_CREATED = new Set(['--undo'])
const CHANGED: Readonly<Record<string, string>> = { apply: 'file' }
/** The batch sets these itself. */
const OF_BATCH = new Set(['json', 'quiet', 'verbose', 'help', 'version', 'dry-run'])
/** Options without an effect on the output. */
const NO_EFFECT = new Set(['--threads', '--mem-limit', '--overwrite', '--resume'])
const FILE_VALUE = /<(file|path|geojson)>/i

const wrong = (message: string): FlagstoneError => new FlagstoneError('BAD_OPTION', message)

/** @throws BAD_OPTION when jobs cannot run it */
export async function jobCommand(table: CommandTable, name: string): Promise<Command> {
  const command = await table.named(name)
  if (command === undefined) {
    // the error of a wrong command line
    await table.parsed([name])
    throw wrong(`There is no command '${name}'.`)
  }
  if (NOT_JOBS.has(command.name()))
    throw wrong(`${name} cannot be a job: it neither creates a file nor checks one.`)
  return command
}

const optionOf = (command: Command, flag: string): Option | undefined =>
  command.options.find(({ short, long }) => short === flag || long === flag)

interface OutputKind {
  /** Whether it is an argument, or the option --output. */
  readonly by: 'argument' | 'option'
  readonly isRequired: boolean
}

/** How a command's output is given; undefined when it creates none. */
function outputOf(command: Command): OutputKind | undefined {
  const last = command.registeredArguments.at(-1)
  if (last !== undefined && last.name() === (CREATED[command.name()] ?? 'out'))
    return { by: 'argument', isRequired: last.required }
  return optionOf(command, '--output') && { by: 'option', isRequired: true }
}

function shapeOf(command: Command): Shape {
  const output = outputOf(command)
  const isVariadic = command.registeredArguments.some(({ variadic }) => variadic)
  const maxInputs = isVariadic
    ? Number.POSITIVE_INFINITY
    : command.registeredArguments.length - (output?.by === 'argument' ? 1 : 0)
  return { makesOutput: output !== undefined, maxInputs }
}

export function jobCommands(table: CommandTable): Commands {
  const known = new Map<string, Promise<Command>>()
  const named = (name: string): Promise<Command> => {
    const found = known.get(name) ?? jobCommand(table, name)
    known.set(name, found)
    return found
  }
  return {
    shape: async (name) => shapeOf(await named(name)),
    line: async (text) => await checkedLine(table, await named(text.command), text),
  }
}

async function checkedLine(table: CommandTable, command: Command, text: LineText): Promise<CommandLine> {
  const output = outputOf(command)
  refuseOutput(text, command, output)
  const argv = [
    text.command,
    ...argumentsOf(text, output?.by === 'argument'),
    ...Object.entries(withOutput(text, output)).flatMap(([name, value]) => words(command, name, value)),
    ...text.words,
  ]
  // as it will run: what excludes --json is refused now
  return lineOf(text, await table.parsed([...argv, '--json']), argv)
}

function refuseOutput(text: LineText, command: Command, output: OutputKind | undefined): void {
  if (text.output === undefined && output?.isRequired === true)
    throw wrong(`${text.command} creates a file; name it with output.`)
  if (text.output !== undefined && output === undefined)
    throw wrong(`${text.command} creates no file; leave out output.`)
  if (text.input.length === 0) throw wrong(`${command.name()} needs an input.`)
}

/** Names that begin with a dash are paths here. */
function argumentsOf({ input, output }: LineText, hasOutput: boolean): string[] {
  const all = hasOutput && output !== undefined ? [...input, output] : [...input]
  return all.map((path) => (path.startsWith('-') ? `./${path}` : path))
}

const withOutput = (text: LineText, output: OutputKind | undefined): OptionTexts =>
  output?.by === 'option' ? { ...text.options, output: text.output! } : text.options

/** One option as words of a command line. */
function words(command: Command, name: string, value: OptionTexts[string]): string[] {
  if (OF_BATCH.has(name)) throw wrong(`${name} is no option of a job; give it to flagstone batch.`)
  const flag = `--${name}`
  const option = optionOf(command, flag)
  if (option === undefined) {
    const negative = optionOf(command, `--no-${name}`)
    if (negative !== undefined && isSwitch(value)) return String(value) === 'false' ? [`--no-${name}`] : []
    return [flag]
  }
  if (!option.required && !option.optional) return switchOf(command, flag, value)
  if (Array.isArray(value))
    return option.variadic ? [flag, ...value.map(String)] : [`${flag}=${value.join(',')}`]
  if (typeof value === 'object') return Object.entries(value).map(([key, one]) => `${flag}=${key}=${one}`)
  return option.optional && value === true ? [flag] : [`${flag}=${value}`]
}

const isSwitch = (value: unknown): boolean =>
  value === true || value === false || value === 'true' || value === 'false'

function switchOf(command: Command, flag: string, value: OptionTexts[string]): string[] {
  if (!isSwitch(value)) throw wrong(`${flag.slice(2)}: expected true or false, not ${JSON.stringify(value)}.`)
  if (String(value) === 'true') return [flag]
  const negative = flag.replace(/^--/, '--no-')
  return optionOf(command, negative) === undefined ? [] : [negative]
}

function lineOf(text: LineText, command: Command, argv: readonly string[]): CommandLine {
  const changed = CHANGED[command.name()]
  const changes = changed === undefined ? undefined : text.input[argumentAt(command, changed)]
  const given = command.options.filter((option) => isGiven(command, option) && option.long !== '--output')
  const isCreated = ({ long }: Option): boolean => ALSO_CREATED.has(long ?? '')
  const texts = (fits: (option: Option) => boolean): string[] =>
    given
      .filter(fits)
      .map((option) => command.getOptionValue(option.attributeName()))
      .filter((value) => typeof value === 'string')
  const isFile = ({ flags }: Option): boolean => FILE_VALUE.test(flags)
  const has = (flag: string): boolean => optionOf(command, flag) !== undefined
  return {
    argv,
    inputs: [...text.input.filter((path) => path !== changes), ...texts(isFile)],
    maybeInputs: texts((option) => !isFile(option) && !isCreated(option)),
    output: text.output,
    alsoCreated: texts(isCreated),
    changes,
    effect: argv.filter((word) => !NO_EFFECT.has(word.split('=')[0]!)),
    own: { threads: numberOf(command, 'threads'), memLimit: numberOf(command, 'memLimit') },
    takes: {
      threads: has('--threads'),
      memLimit: has('--mem-limit'),
      overwrite: has('--overwrite'),
      resume: has('--resume'),
    },
  }
}

const argumentAt = (command: Command, name: string): number =>
  command.registeredArguments.findIndex((argument) => argument.name() === name)

const isGiven = (command: Command, option: Option): boolean =>
  command.getOptionValueSource(option.attributeName()) === 'cli'

function numberOf(command: Command, name: string): number | undefined {
  const value: unknown = command.getOptionValue(name)
  return typeof value === 'number' ? value : undefined
}

/** The paths and the options of a command line of which the command itself is named. */
export function splitLine(command: Command, line: readonly string[]): { paths: string[]; options: string[] } {
  const paths: string[] = []
  const options: string[] = []
  for (let i = 0; i < line.length; i++) {
    const word = line[i]!
    if (word === '--') {
      paths.push(...line.slice(i + 1))
      break
    }
    if (!/^-./.test(word)) {
      paths.push(word)
      continue
    }
    options.push(word)
    const option = optionOf(command, word)
    if (option?.required === true && i + 1 < line.length) options.push(line[++i]!)
  }
  return { paths, options }
}
