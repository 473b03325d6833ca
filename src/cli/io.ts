// The streams and signals a command uses, so that tests can run commands in their own process.
import type { Command } from 'commander'
import { oneLine, printable } from './printable.js'

export interface ProgressState {
  readonly tilesDone: number
  readonly tilesTotal: number
  readonly bytes: number
  /** Tiles per second, recently. */
  readonly rate: number
  readonly etaSeconds: number
}

export interface Output {
  write(chunk: string | Uint8Array): unknown
  /** Bytes written to the stream that it has not passed on yet. */
  readonly writableLength?: number
}

export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  /** stderr for terminal control codes: the live bar only, never text from files. Default: stderr. */
  readonly terminal?: Output
  /** Whether stderr is a terminal: a live bar there, plain lines elsewhere. */
  readonly isTerminal: boolean
  /** Whether stdout is a terminal: binary data is not written to it. */
  readonly stdoutIsTerminal?: boolean
  /** Width of the terminal in characters. */
  readonly columns?: () => number | undefined
  /** Whether the terminal shows ASCII only (LANG=C). */
  readonly ascii?: boolean
  readonly signal: AbortSignal
  /** Gets the progress as data; then no progress is written. */
  readonly onProgress?: (state: ProgressState) => void
  /** Calls back, at once, when the process is about to end without waiting for the command (Ctrl-C twice). */
  readonly onForcedStop?: (listener: () => void) => void
  /** Calls back at every SIGHUP. Absent where that means that the terminal is gone. */
  readonly onHangup?: ((listener: () => void) => void) | undefined
}

/** Exit codes, the same for every command. */
export const EXIT = { OK: 0, FAILED: 1, USAGE: 2, DAMAGED: 3, LOSSES: 4, INTERRUPTED: 130 } as const

/** Options every command has. */
export interface CommonOptions {
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly json?: boolean
}

/** All commands, for a command that runs others. */
export interface CommandTable {
  /** A command by its name or alias, to be looked at. */
  named(name: string): Promise<Command | undefined>
  /**
   * The command of a command line, with its arguments and options parsed and checked. Nothing is run.
   * @throws BAD_OPTION when the line is not valid
   */
  parsed(argv: readonly string[]): Promise<Command>
}

/** What a command gets: streams, and a place for its exit code (commander's actions return nothing). */
export interface Context {
  readonly io: Io
  readonly table: CommandTable
  exitCode: number
  /** Exit code of failures that have no other; default: FAILED. */
  failureCode?: number
}

export const print = (io: Io, text: string): void => {
  io.stdout.write(`${text}\n`)
}

export const printJson = (io: Io, value: unknown): void => {
  const text = JSON.stringify(value, null, 2)
  print(io, io.ascii === true ? escaped(text) : text)
}

/** The same JSON in ASCII. */
const escaped = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Prints a message on stderr, unless --quiet. Line breaks in names are escaped, so it is one line. */
export const say = (io: Io, options: CommonOptions, text: string): void => {
  if (options.quiet !== true) io.stderr.write(`${oneLine(text)}\n`)
}

/** The same streams with escaped text. Binary data passes unchanged; `terminal` is the raw stderr. */
export function printableIo(io: Io): Io {
  const shown = (output: Output): Output => ({
    write: (chunk) => output.write(typeof chunk === 'string' ? printable(chunk) : chunk),
    get writableLength() {
      return output.writableLength ?? 0
    },
  })
  return { ...io, stdout: shown(io.stdout), stderr: shown(io.stderr), terminal: io.terminal ?? io.stderr }
}
