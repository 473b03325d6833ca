// How a build ends early: work that can be continued is kept, and the error says how to continue.
import { FlagstoneError } from '../../errors.js'
import { isDamage } from '../../raster/losses.js'
import type { ResolvedBuildOptions } from '../options.js'
import { withSkipAdvice } from '../work/damage.js'
import type { Assembler } from './assemble.js'
import { removeCheckpoint } from './checkpoint.js'
import { discardOutput, lossOf, type Output } from './output.js'

/** `file` holds the work so far; undefined when there is none. */
export function interrupted(options: ResolvedBuildOptions, file?: string): FlagstoneError {
  return new FlagstoneError(
    'INTERRUPTED',
    file !== undefined
      ? `Interrupted; the finished tiles are safe in ${file}. Run the same command with --resume to continue.`
      : `Interrupted before anything was built.`,
    { path: options.out },
  )
}

/** After a failure: keeps what can be continued, otherwise removes everything. Returns the error to throw. */
export function leave(
  thrown: unknown,
  options: ResolvedBuildOptions,
  output: Output,
  assembler: Assembler,
  signal: AbortSignal | undefined,
): unknown {
  const loss = lossOf(output)
  if (loss !== undefined) {
    output.writer.abandon()
    removeCheckpoint(options.out)
    return loss
  }
  const error = !options.skipUnreadable && isDamage(thrown) ? withSkipAdvice(thrown) : thrown
  const wasInterrupted =
    signal?.aborted === true && error instanceof FlagstoneError && error.code === 'INTERRUPTED'
  const storeFailed =
    error instanceof FlagstoneError && (error.code === 'DISK_FULL' || error.code === 'SYSTEM')
  if (assembler.subtreesDone === 0 && !output.resumed && !storeFailed) {
    discardOutput(options, output)
    return wasInterrupted ? interrupted(options) : error
  }
  if (!storeFailed) {
    try {
      assembler.commit()
    } catch (second) {
      output.writer.abandon()
      return resumable(second, output)
    }
  }
  output.writer.abandon()
  return wasInterrupted ? interrupted(options, output.path) : resumable(error, output)
}

/** The same error, with the sentence that says how to continue. */
export function resumable(error: unknown, { path: file }: Output): unknown {
  if (!(error instanceof FlagstoneError)) return error
  const { code, errno, call, path, args } = error
  const details = Object.fromEntries(
    Object.entries({ errno, call, path, args }).filter(([, v]) => v !== undefined),
  )
  return new FlagstoneError(
    code,
    `${error.message} The tiles committed before are safe in ${file}; run the same command with --resume to continue.`,
    { ...details, cause: error },
  )
}
