// Reads the headers of many sources, several at a time; no more files than that are open.
import { FlagstoneError } from '../../errors.js'
import { freeDescriptors } from '../../platform/descriptors.js'
import { isShortOfDescriptors } from '../../platform/regular-file.js'
import type { RasterSource, SourceInfo } from '../../raster/source.js'
import type { ResolvedSource } from '../source-options.js'
import { type OpenOptions, openOptionsFor, ownOpenOptions, type SourceOpener } from './open.js'

/** A source that was left out because it could not be opened. */
export interface SkippedSource {
  /** Its path. */
  readonly path: string
  /** A sentence that gives the reason. */
  readonly reason: string
}

const AT_ONCE = 16
/** An image, its overviews and masks, and a world file. */
const FILES_A_SOURCE = 6
/** How many sources are read at a time, given the free descriptors. */
const atOnce = (): number => Math.max(1, Math.min(AT_ONCE, Math.floor(freeDescriptors() / FILES_A_SOURCE)))

/**
 * Opens each source, calls `look` with it and closes it, several at a time. Results are in the order given.
 */
async function withEach<T>(
  sources: readonly ResolvedSource[],
  options: OpenOptions,
  open: SourceOpener,
  look: (source: RasterSource, index: number) => T | Promise<T>,
  signal?: AbortSignal,
): Promise<(T | { readonly failure: unknown })[]> {
  const results: (T | { readonly failure: unknown })[] = new Array(sources.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < sources.length && signal?.aborted !== true) {
      const at = next++
      try {
        const given = sources[at]!
        const source = await open(given.location, openOptionsFor(options, ownOpenOptions(given)))
        try {
          results[at] = await look(source, at)
        } finally {
          await source.close()
        }
      } catch (failure) {
        results[at] = { failure }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce(), sources.length) }, worker))
  return results
}

export interface ReadInfos {
  readonly infos: readonly SourceInfo[]
  /** The sources that they describe. */
  readonly read: readonly ResolvedSource[]
  readonly skipped: readonly SkippedSource[]
}

/**
 * The descriptions of all sources. If `skip` is set, those that cannot be opened are left out and listed.
 * @throws as the first that cannot be opened; the message counts the others
 */
export async function readInfos(
  sources: readonly ResolvedSource[],
  options: OpenOptions,
  open: SourceOpener,
  skip: boolean,
  signal?: AbortSignal,
): Promise<ReadInfos> {
  const results = await withEach(sources, { ...options, cacheBytes: 0 }, open, ({ info }) => info, signal)
  if (signal?.aborted === true)
    throw new FlagstoneError('INTERRUPTED', 'Interrupted before anything was built.')
  const infos: SourceInfo[] = []
  const read: ResolvedSource[] = []
  const failed: { path: string; failure: unknown }[] = []
  for (const [i, result] of results.entries()) {
    const source = sources[i]!
    if ('failure' in result) failed.push({ path: source.location, failure: result.failure })
    else {
      infos.push(result)
      read.push(source)
    }
  }
  const first = failed[0]
  if (first === undefined) return { infos, read, skipped: [] }
  // that is not a fault of the source
  const short = failed.find(({ failure }) => isShortOfDescriptors(failure))
  if (short !== undefined) throw short.failure
  const isOurs = failed.every(({ failure }) => failure instanceof FlagstoneError)
  if (!skip || !isOurs || infos.length === 0) throw explained(first.failure, failed.length, sources.length)
  const skipped = failed.map(({ path, failure }) => ({ path, reason: (failure as Error).message }))
  return { infos, read, skipped }
}

/** The same error, with the number of other sources that failed. */
function explained(failure: unknown, bad: number, all: number): unknown {
  if (!(failure instanceof FlagstoneError) || all === 1) return failure
  const others = bad === 1 ? '' : `, and ${bad - 1} more of the ${all} sources cannot be used`
  const message = `${failure.message.replace(/\.$/, '')}${others}; --skip-unreadable (skipUnreadable) skips such sources.`
  const details = failure.path === undefined ? {} : { path: failure.path }
  return new FlagstoneError(failure.code, message, { ...details, cause: failure })
}
