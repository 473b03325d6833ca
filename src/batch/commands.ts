// What a batch must know of the commands that its jobs run. The command line (src/cli/batch/) tells it.
import type { OptionTexts } from './options.js'

/** A job's words before they are a command line. */
export interface LineText {
  readonly command: string
  readonly input: readonly string[]
  readonly output: string | undefined
  readonly options: OptionTexts
  /** Options as words of a command line. */
  readonly words: readonly string[]
}

/** A command line that its command's own parser has accepted. */
export interface CommandLine {
  /** The command and its arguments. */
  readonly argv: readonly string[]
  /** Files, folders, globs, lists and URLs that are read, as they are written. */
  readonly inputs: readonly string[]
  /** Files named by options that are read if they exist: an option may take a name or a file. */
  readonly maybeInputs: readonly string[]
  /** The file that is created. */
  readonly output: string | undefined
  /** Other files that are created. */
  readonly alsoCreated: readonly string[]
  /** The file that is changed in place. */
  readonly changes: string | undefined
  /** The options with an effect on the output, in one order. */
  readonly effect: readonly string[]
  /** Threads and bytes that the job asks for itself. */
  readonly own: { readonly threads: number | undefined; readonly memLimit: number | undefined }
  /** Which of these options the command has. */
  readonly takes: {
    readonly threads: boolean
    readonly memLimit: boolean
    readonly overwrite: boolean
    readonly resume: boolean
  }
}

export interface Shape {
  readonly makesOutput: boolean
  /** Most inputs of one command line. */
  readonly maxInputs: number
}

export interface Commands {
  /** What the command takes. @throws BAD_OPTION when jobs cannot run it */
  shape(command: string): Promise<Shape>
  /** @throws BAD_OPTION when the command's parser refuses the line */
  line(text: LineText): Promise<CommandLine>
}
