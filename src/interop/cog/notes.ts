// What users must know of a GeoTIFF that was written: which tiles are not as they were, and which are not in it.
import type { BlockEncoder } from './blocks.js'
import type { CogImage } from './directories.js'

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
const are = (n: number): string => (n === 1 ? 'was' : 'were')

const NAMES = { jpeg: 'JPEG', webp: 'WebP', deflate: 'lossless DEFLATE', heights: 'heights' } as const

export function cogNotes(
  { form, encoded, empty }: BlockEncoder,
  images: readonly CogImage[],
  skipped: readonly number[],
): string[] {
  const notes: string[] = []
  if (form.kind === 'heights') notes.push('Heights are stored as 32-bit floats in metres, nodata is NaN.')
  if (encoded > 0) {
    const masks = form.kind === 'jpeg' && form.mask ? '; transparency is in a mask of one bit a pixel' : ''
    notes.push(`${count(encoded, 'tile')} ${are(encoded)} encoded again as ${NAMES[form.kind]}${masks}.`)
  }
  if (empty > 0) notes.push(`${count(empty, 'tile')} in which nothing shows ${are(empty)} left out.`)
  const first = images[0]!.level.zoom
  if (skipped.length > 0) {
    const said = skipped.length === 1 ? `Zoom ${skipped[0]} is` : `Zooms ${skipped[0]}–${skipped.at(-1)} are`
    notes.push(`${said} left out: the overview of zoom ${first} is small enough.`)
  }
  const lone = withoutChildren(images)
  if (lone > 0)
    notes.push(
      `${count(lone, 'tile')} of overviews ${lone === 1 ? 'has' : 'have'} nothing at the next higher zoom, so there the full image is empty.`,
    )
  return notes
}

/** Number of tiles of overviews where the next higher zoom has nothing. */
function withoutChildren(images: readonly CogImage[]): number {
  let lone = 0
  for (const [i, { level, blocks }] of images.entries()) {
    const next = images[i + 1]
    if (next === undefined) break
    const by = 2 ** (next.level.zoom - level.zoom)
    for (let n = 0; n < blocks.counts.length; n++) {
      if (blocks.counts[n] === 0) continue
      const [x, y] = [(n % level.across) * by, Math.floor(n / level.across) * by]
      if (!hasBlock(next, x, y, by)) lone++
    }
  }
  return lone
}

function hasBlock({ level, blocks }: CogImage, x: number, y: number, by: number): boolean {
  for (let row = y; row < Math.min(y + by, level.down); row++)
    for (let column = x; column < Math.min(x + by, level.across); column++)
      if (blocks.counts[row * level.across + column] !== 0) return true
  return false
}
