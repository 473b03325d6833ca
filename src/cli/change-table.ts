// What diff and apply print of tiles that differ.
import type { ChangedLevel } from '../transfer/patch/tally.js'
import { formatCount, plural, table } from './format.js'

interface Changes {
  readonly added: number
  readonly changed: number
  readonly removed: number
  readonly levels: readonly ChangedLevel[]
}

/** '3 tiles added, 1 changed, 0 removed'. */
export const changesText = ({ added, changed, removed }: Changes): string =>
  `${plural(added, 'tile')} added, ${formatCount(changed)} changed, ${formatCount(removed)} removed`

export const changesTable = ({ levels }: Changes): string =>
  table([
    ['zoom', 'added', 'changed', 'removed'],
    ...levels.map(({ zoom, added, changed, removed }) => [
      String(zoom),
      ...[added, changed, removed].map(formatCount),
    ]),
  ])
