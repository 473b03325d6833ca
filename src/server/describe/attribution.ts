// Whom a map has to name: what the metadata of a file say, and whom its sources name.
import { FlagstoneError } from '../../errors.js'
import { textOf } from '../../store/report/tilejson.js'
import type { Source } from '../sources/source.js'

/** Characters that are added, so that descriptions stay short. */
const MAX_ADDED = 2000

interface Known {
  readonly version: string
  readonly attribution: string | undefined
}
const known = new WeakMap<Source, Known>()

/** By custom it is HTML, of the metadata and of the sources alike: who shows it takes care. Made once a version. */
export function attributionOf(source: Source): string | undefined {
  const { version } = source
  const before = known.get(source)
  if (before?.version === version) return before.attribution
  const attribution = joined(textOf(source.describe().metadata, 'attribution'), ofSources(source))
  known.set(source, { version, attribution })
  return attribution
}

/** The number of images that a file remembers it was made from. */
export const sourceCountOf = (source: Source): number => recordsOf(source).length

/**
 * What is damaged must not prevent descriptions; whoever asks for the sources is told. A file that has none is not
 * opened to say so: a catalogue may be of thousands.
 */
function recordsOf(source: Source): ReturnType<NonNullable<Source['tiles']['sources']>> {
  if ((source.describe().layout?.sourceCount ?? 0) === 0) return []
  try {
    return source.tiles.sources?.() ?? []
  } catch (error) {
    if (error instanceof FlagstoneError && error.code === 'DAMAGED') return []
    throw error
  }
}

/** Distinct ones, in the order of the pile. */
function ofSources(source: Source): Set<string> {
  const found = new Set<string>()
  for (const { attribution } of recordsOf(source)) {
    const text = attribution?.trim() ?? ''
    if (text !== '') found.add(text)
  }
  return found
}

function joined(own: string | undefined, more: ReadonlySet<string>): string | undefined {
  const parts = own === undefined ? [] : [own]
  let added = 0
  let left = 0
  for (const text of more) {
    if (own?.includes(text) === true) continue
    // one that is too long is left out, not cut: it may be HTML
    if (added + text.length > MAX_ADDED) {
      left++
      continue
    }
    added += text.length
    parts.push(text)
  }
  if (left > 0) parts.push(`and ${left} more`)
  return parts.length === 0 ? undefined : parts.join(', ')
}
