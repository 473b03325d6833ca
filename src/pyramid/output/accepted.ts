// Whether an interrupted build may be continued although its sources may have changed.
import { FlagstoneError } from '../../errors.js'
import type { ResolvedBuildOptions } from '../options.js'
import { isSourceFact } from '../sources/facts.js'
import { damagedSources } from '../work/damage.js'
import { changesOf, inOneClause, reorderingOf } from './changed-sources.js'
import type { Checkpoint } from './checkpoint.js'
import { DEPTH, differences, digestOf, UNITS } from './fingerprint.js'
import { requireSame } from './refusal.js'

/** Facts that follow from the sources unless the user chose them. */
const PLANNED_FACTS = new Set(['the lowest zoom', 'the highest zoom', DEPTH, UNITS])

/**
 * The checkpoint to continue from, if the sources may have changed since `found`.
 * @throws NOT_RESUMABLE when they have and that is not accepted
 */
export function accepted(found: Checkpoint, fresh: Checkpoint, options: ResolvedBuildOptions): Checkpoint {
  const { out } = options
  const differing = differences(found.fingerprint, fresh.fingerprint)
  if (differing.length === 0) return { ...fresh, ...found }
  const changes = changesOf(found.sources ?? [], fresh.sources ?? [])
  const isOfSources =
    found.sources !== undefined &&
    changes.length > 0 &&
    differing.every((name) => isSourceFact(name) || PLANNED_FACTS.has(name))
  if (!isOfSources) {
    const reordered = reorderingOf(found.sources ?? [], fresh.sources ?? [])
    requireSame(out, found.fingerprint, fresh.fingerprint, reordered)
  }
  const said = inOneClause(changes)
  if (found.cover !== fresh.cover || !differing.every(isSourceFact)) {
    throw new FlagstoneError(
      'NOT_RESUMABLE',
      `${out} cannot be continued: ${said}. The sources now cover other tiles than before, so the finished tiles cannot be kept: use --overwrite instead of --resume to start again.`,
      { path: out },
    )
  }
  if (!options.acceptChanged) {
    const empty = damagedSources(found.tally.damage ?? []).reduce((sum, { blocks }) => sum + blocks, 0)
    const stays = empty === 0 ? 'stay as they are' : `stay as they are, with ${empty} blocks left empty`
    throw new FlagstoneError(
      'NOT_RESUMABLE',
      `${out}: ${said}. Use --resume --accept-changed (acceptChanged) to continue with the sources as they are now; finished tiles ${stays}. Or use --overwrite instead of --resume to start again.`,
      { path: out },
    )
  }
  return { ...found, ...fresh, ...progressOf(found), owner: found.owner ?? digestOf(found.fingerprint) }
}

const progressOf = ({ place, subtreesDone, tally, pending }: Checkpoint): Checkpoint =>
  ({ place, subtreesDone, tally, pending }) as Checkpoint
