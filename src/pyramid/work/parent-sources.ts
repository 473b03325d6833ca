// The sources as the calling thread uses them, for quarters of tiles above the subtrees. Few are read at a time, and
// not much of each, so they get a small cache.
import type { BuildPlan } from '../plan/plan.js'
import type { OpenOptions, SourceOpener } from '../sources/open.js'
import { SourceSet, sourceTable } from '../sources/source-set.js'

const LIMITS = { maxOpen: 8, cacheBytes: 16 * 2 ** 20 }

export const parentSources = (plan: BuildPlan, open: OpenOptions, opener: SourceOpener): SourceSet =>
  new SourceSet(sourceTable(plan), open, opener, LIMITS)
