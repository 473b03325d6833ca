// Why an interrupted build cannot be continued with other options, in words.
import { FlagstoneError } from '../../errors.js'
import { isSourceFact } from '../sources/facts.js'
import { DEPTH, differences, type Fingerprint, OWN, UNITS } from './fingerprint.js'

/** Clauses in one message. */
const MOST = 3

/**
 * @param reordered see reorderingOf
 * @throws NOT_RESUMABLE when something differs; the message names it
 */
export function requireSame(out: string, before: Fingerprint, now: Fingerprint, reordered?: string): void {
  const differing = differences(before, now)
  if (differing.length === 0) return
  const said = differing
    .filter((key) => !followsFrom(key, differing, before, reordered))
    .map((key) => clause(key, before[key], now[key]))
  const all = reordered === undefined ? said : [reordered, ...said]
  throw new FlagstoneError(
    'NOT_RESUMABLE',
    `${out} cannot be continued: ${all.slice(0, MOST).join('; ')}. Use the options the build was started with, or --overwrite to start again.`,
  )
}

/** Whether something else that differs says as much: the user did not choose this. */
function followsFrom(
  key: string,
  differing: readonly string[],
  before: Fingerprint,
  reordered: string | undefined,
): boolean {
  // each source has its own zoom, size and time, which go with it
  if (reordered !== undefined && (isSourceFact(key) || (key === DEPTH && before[key] !== undefined)))
    return true
  return key === UNITS && differing.length > 1
}

type Value = Fingerprint[string] | undefined

function clause(key: string, before: Value, now: Value): string {
  if (key === OWN)
    return 'the nodata values, coordinate systems, bands or cutlines of single sources have changed'
  if (key !== DEPTH) return `${key} was ${before ?? 'not set'} and is ${now ?? 'not set'} now`
  const [was, is] = [depthInWords(before), depthInWords(now)]
  if (was === is) return `the zooms of single sources have changed (${was})`
  return `${key} was ${was} and is ${is} now`
}

const depthInWords = (depth: Value): string =>
  depth === undefined
    ? 'the same for all sources (--depth uniform)'
    : `${depth}`.replace(/ \(digest \w+\)$/, '')
