// Checks usage before commander does: for words of other programs the message names what to use here, not the command
// or option that is spelled most like them. Also turns commander's errors into ours.
import type { Command, CommanderError } from 'commander'
import { FlagstoneError } from '../errors.js'
import { didYouMean } from '../store/nearest.js'
import { COMMANDS, CREATION_OPTIONS, type Elsewhere, OPTIONS } from './elsewhere.js'

const wrong = (message: string): FlagstoneError => new FlagstoneError('BAD_OPTION', message)

/** @throws BAD_OPTION when a command or option does not exist */
export function checkUsage(root: Command, argv: readonly string[]): void {
  const [first, second] = argv
  const name = first === 'help' ? second : first
  if (name === undefined || name.startsWith('-')) return
  const command = root.commands.find((one) => one.name() === name || one.aliases().includes(name))
  if (command === undefined) throw unknownCommand(root, name, argv)
  checkOptions(command, argv.slice(1))
}

function unknownCommand(root: Command, name: string, argv: readonly string[]): FlagstoneError {
  const known = look(COMMANDS, name.toLowerCase(), () => true)
  if (known !== undefined) return wrong(`There is no command '${name}'. ${known}`)
  if (/[./\\]/.test(name)) {
    const command = /\.(pmtiles|mbtiles|ft|tar|versatiles)$/i.test(name) ? 'info' : 'build'
    return wrong(`There is no command '${name}'; did you mean 'flagstone ${[command, ...argv].join(' ')}'?`)
  }
  const names = root.commands.flatMap((one) => [one.name(), ...one.aliases()])
  const meant = didYouMean(name, names) || `; the commands are ${names.join(', ')}`
  return wrong(`There is no command '${name}'${meant.replace(/([^?])$/, '$1.')}`)
}

function checkOptions(command: Command, argv: readonly string[]): void {
  for (let i = 0; i < argv.length && argv[i] !== '--'; i++) {
    const word = argv[i]!
    if (!/^-[a-z-]/i.test(word)) continue
    const [flag] = word.split('=', 1) as [string]
    const option = command.options.find((one) => one.short === flag || one.long === flag)
    if (option !== undefined) {
      // the next argument is its value, even if it looks like an option
      if (option.required && flag === word) i++
      continue
    }
    const instead = insteadOf(command, flag, flag === word ? argv[i + 1] : word.slice(flag.length + 1))
    if (instead !== undefined) throw wrong(`${command.name()} has no option ${flag}. ${instead}`)
  }
}

function insteadOf(command: Command, flag: string, value = ''): string | undefined {
  const bare = flag.replace(/^-+/, '')
  const name = bare.length === 1 ? bare : bare.toLowerCase().replaceAll('_', '-')
  if (name.length > 1 && command.options.some((one) => one.long === `--${name}`)) return `Use --${name}.`
  if (/^(co|lco|creation-options?)$/.test(name)) return creationOption(command, value)
  return look(OPTIONS, name, ({ on = 'build' }) => on.split(' ').includes(command.name()))
}

/** `-co QUALITY=80`. */
function creationOption(command: Command, value: string): string | undefined {
  if (command.name() !== 'build' && command.name() !== 'convert') return undefined
  const [key = '', given = ''] = value.split('=', 2)
  const option = CREATION_OPTIONS[key.toUpperCase()]
  if (!command.options.some(({ long }) => long === option))
    return `Creation options are not needed here; --help lists the options of ${command.name()}.`
  const isFlag = command.options.some((one) => one.long === option && !one.required)
  return `Use ${option}${isFlag || given === '' ? '' : ` ${given.toLowerCase()}`}.`
}

const look = (
  table: readonly Elsewhere[],
  word: string,
  fits: (row: Elsewhere) => boolean,
): string | undefined => table.find((row) => fits(row) && row.words.split(' ').includes(word))?.say

/** An error of commander as one of ours, on one line. `called`: the first argument. */
export function usageError(
  root: Command,
  { message }: CommanderError,
  called: string | undefined,
): FlagstoneError {
  const text = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/^option '.*?(--[\w-]+).*?' argument '(.*?)' is invalid\. /s, "$1: '$2' is not valid; ")
    .replace(/^command-argument value '(.*?)' is invalid for argument '(.*?)'\. /s, "$2: '$1' is not valid; ")
    .replace(/Allowed choices are /, 'expected one of ')
    .replace(/ ?\((Did you mean .*\?)\)$/, '. $1')
    .replace(/([^.?])$/, '$1.')
  const help =
    called === undefined || called.startsWith('-') ? 'flagstone --help' : `flagstone ${called} --help`
  return wrong(`${text}${argumentsOf(root, message, called)} See ${help}.`)
}

/** For missing, superfluous or swapped arguments: the usage with all arguments in their order. */
function argumentsOf(root: Command, message: string, called: string | undefined): string {
  const command = root.commands.find((one) => one.name() === called || one.aliases().includes(called ?? ''))
  if (command === undefined || !/missing required argument|too many arguments|command-argument/.test(message))
    return ''
  return ` Usage: flagstone ${command.name()} ${command.usage().replace('[options] ', '')}.`
}
