// Sources that have changed since a build was interrupted: which ones, by name, and whether the finished tiles still
// fit.
import { createHash } from 'node:crypto'
import type { ColourView } from '../../raster/source.js'
import type { BuildPlan } from '../plan/plan.js'
import type { SourceState } from '../sources/facts.js'
import { describeView } from '../sources/tone.js'

/** Number of sources that are named one by one. */
const NAMED = 5

/** A digest of what the finished tiles and the order of the others depend on, besides options and pixels. */
export function coverOf({ levels, bands, maskKind }: BuildPlan): string {
  const places = levels.map(({ zoom, ranges }) => [zoom, ranges])
  return createHash('sha256')
    .update(JSON.stringify([places, bands, maskKind]))
    .digest('hex')
    .slice(0, 32)
}

/** Whether two views differ only in the range that was found in the values. */
export const differsInRange = (a: ColourView, b: ColourView): boolean => {
  const without = (view: ColourView): string =>
    describeView(view.tone === undefined ? view : { ...view, tone: { ...view.tone, ranges: [] } })
  return describeView(a) !== describeView(b) && without(a) === without(b)
}

const stateOf = ([, size, time]: SourceState): string => (size === 0 ? time : `${size} bytes, ${time}`)

/** One clause per changed source; empty when nothing changed. */
export function changesOf(before: readonly SourceState[], now: readonly SourceState[]): string[] {
  const old = new Map(before.map((state) => [state[0], state]))
  const changes = now.flatMap((state) => {
    const was = old.get(state[0])
    old.delete(state[0])
    if (was === undefined) return [`${state[0]} was not among the sources`]
    if (was[1] === state[1] && was[2] === state[2]) return []
    return [`${state[0]} was ${stateOf(was)} and is ${stateOf(state)} now`]
  })
  return [...changes, ...[...old.keys()].map((path) => `${path} is not among the sources any more`)]
}

/** A clause when these are the same files one on another in another order. */
export function reorderingOf(
  before: readonly SourceState[],
  now: readonly SourceState[],
): string | undefined {
  const at = now.findIndex(([path], i) => path !== before[i]?.[0])
  if (at < 0 || before.length !== now.length || changesOf(before, now).length > 0) return undefined
  return `the sources were in another order (number ${at + 1} from the bottom was ${before[at]![0]} and is ${now[at]![0]} now)`
}

/** Joins them into one clause. */
export const inOneClause = (changes: readonly string[]): string => {
  const more = changes.length - NAMED
  return changes.slice(0, NAMED).join('; ') + (more > 0 ? `; and ${more} more` : '')
}
