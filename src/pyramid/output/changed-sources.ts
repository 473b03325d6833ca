// Sources that are not what they were when a build was interrupted: which, by name, and whether what is done so far
// still fits.
import { createHash } from 'node:crypto'
import type { ColourView } from '../../raster/source.js'
import type { BuildPlan } from '../plan/plan.js'
import type { SourceState } from '../sources/facts.js'
import { describeView } from '../sources/tone.js'

/** Named one by one. */
const NAMED = 5

/** What the tiles that are done, and the order of those to come, depend on, besides options and pixels. */
export function coverOf({ levels, bands, maskKind }: BuildPlan): string {
  const places = levels.map(({ zoom, ranges }) => [zoom, ranges])
  return createHash('sha256')
    .update(JSON.stringify([places, bands, maskKind]))
    .digest('hex')
    .slice(0, 32)
}

/** Do two views differ in nothing but the range that was found in the values? */
export const differsInRange = (a: ColourView, b: ColourView): boolean => {
  const without = (view: ColourView): string =>
    describeView(view.tone === undefined ? view : { ...view, tone: { ...view.tone, ranges: [] } })
  return describeView(a) !== describeView(b) && without(a) === without(b)
}

const stateOf = ([, size, time]: SourceState): string => (size === 0 ? time : `${size} bytes, ${time}`)

/** Clauses, one a source; empty when they are the same. */
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

/** All of them in one clause. */
export const inOneClause = (changes: readonly string[]): string => {
  const more = changes.length - NAMED
  return changes.slice(0, NAMED).join('; ') + (more > 0 ? `; and ${more} more` : '')
}
