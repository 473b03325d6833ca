// What `flagstone build --skip-unreadable` prints about what it left out.
import type { BuildReport } from '../../pyramid/report.js'
import { formatCount, plural } from '../format.js'

const FILES_SHOWN = 20
const PLACES_SHOWN = 5

export const hasLosses = ({ skipped, damaged }: BuildReport): boolean =>
  skipped.length > 0 || damaged.some(({ blocks }) => blocks > 0)

/** Lines for people. */
export function describeDamage(damaged: BuildReport['damaged']): string[] {
  const lines = damaged.slice(0, FILES_SHOWN).flatMap(({ path, blocks, replaced, places }) => {
    const own: string[] = []
    if (blocks > 0)
      own.push(
        `Damaged: ${path}: ${plural(blocks, 'block')} could not be read and ${blocks === 1 ? 'is' : 'are'} left empty:`,
      )
    for (const { part, x, y, width, height, reason } of places.slice(0, PLACES_SHOWN)) {
      const where = width === 0 ? part : `${part}, ${width}×${height} pixels at ${x},${y}`
      own.push(`  ${where}: ${reason}`)
    }
    if (blocks > PLACES_SHOWN) own.push(`  and ${formatCount(blocks - PLACES_SHOWN)} more`)
    if (replaced > 0) {
      own.push(
        `Damaged: ${path}: ${plural(replaced, 'block')} of its overviews could not be read; finer pixels were used instead.`,
      )
    }
    return own
  })
  const more = damaged.length - FILES_SHOWN
  return more > 0 ? [...lines, `Damaged: ${formatCount(more)} more files.`] : lines
}
