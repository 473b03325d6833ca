// What is where. A path is split at its slashes and each part decoded; tiles are recognised before that (tile-path.ts).
//
// In patterns, a word stands for itself and '*' for one part. Paths of a source begin behind its id; the aliases
// /tiles/{id}/… and /data/{id}/… of other servers were taken off by then.
import { answerArchive } from './archive-range.js'
import type { Routed, RoutedSource, ServerContext } from './context.js'
import type { Answer } from './message.js'

export interface Route<R> {
  /** For metrics and logs. */
  readonly name: string
  readonly methods: readonly ('GET' | 'POST')[]
  readonly pattern: readonly string[]
  readonly answer: (context: ServerContext, request: R) => Answer
}

/** Of the server as a whole: '/', '/health', '/catalog' … */
export const SERVER_ROUTES: readonly Route<Routed>[] = []

/** Of one source: '/{id}/…'; `rest` gets the parts that '*' stood for. */
export const SOURCE_ROUTES: readonly Route<RoutedSource>[] = []

/** '/{id}.json', '/{id}.pmtiles': by the extension of the last and only part. */
export const FILE_ROUTES: Readonly<Record<string, Route<RoutedSource> | undefined>> = {
  pmtiles: { name: 'archive', methods: ['GET'], pattern: [], answer: answerArchive },
}

/** The parts that '*' stood for, undefined when the pattern does not fit. */
export function match(pattern: readonly string[], segments: readonly string[]): string[] | undefined {
  if (pattern.length !== segments.length) return undefined
  const rest: string[] = []
  for (const [i, word] of pattern.entries()) {
    if (word === '*') rest.push(segments[i]!)
    else if (word !== segments[i]) return undefined
  }
  return rest
}
