// Who is to be named beside what a source shows.
import type { SourceInfo } from '../../raster/source.js'
import type { ResolvedSource } from '../source-options.js'

const MOST_CHARACTERS = 200

/**
 * What was said of the source, otherwise the copyright that its file claims. The latter is text of a stranger that is
 * shown on web pages: with markup or control characters, or as long as terms of use, it is left out.
 */
export function attributionOf(
  { copyright }: SourceInfo,
  { attribution }: Pick<ResolvedSource, 'attribution'>,
): string | undefined {
  if (attribution !== undefined) return attribution
  const text = copyright?.replace(/\s+/g, ' ')
  if (text === undefined || text.length > MOST_CHARACTERS) return undefined
  return /\p{L}/u.test(text) && !/[<>\p{C}\ufffd]/u.test(text) ? text : undefined
}
