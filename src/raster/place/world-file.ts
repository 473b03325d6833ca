// World files: six numbers that give the position of the image beside them.
import type { Geotransform } from '../source.js'

/** Valid files have a line per number. A longer file is not a world file. */
const MAX_TEXT = 4096

/**
 * A world file's text: pixel width, row rotation, column rotation, pixel height, and the centre of the first pixel.
 * Undefined when it is not a world file, or its pixels have no area. As in GDAL, decimal commas are accepted.
 */
export function parseWorldFile(text: string): Geotransform | undefined {
  const values = text
    .slice(0, MAX_TEXT)
    .trim()
    .split(/\s+/)
    .slice(0, 6)
    .map((word) => Number(word.replace(',', '.')))
  if (values.length < 6 || !values.every(Number.isFinite)) return undefined
  const [a, d, b, e, c, f] = values as [number, number, number, number, number, number]
  if (a * e === b * d) return undefined
  return [c - (a + b) / 2, a, b, f - (d + e) / 2, d, e]
}

/** The names that GDAL tries for the world file of photo.tif: photo.tfw, photo.tifw, photo.wld, in either case. */
export function worldFileNames(path: string): string[] {
  const dot = path.lastIndexOf('.')
  if (dot <= path.lastIndexOf('/')) return [`${path}.wld`]
  const stem = path.slice(0, dot)
  const extension = path.slice(dot + 1).toLowerCase()
  const short = `${extension[0] ?? ''}${extension.at(-1) ?? ''}w`
  const names = [...new Set([short, `${extension}w`, 'wld'])]
  return [...names, ...names.map((name) => name.toUpperCase())].map((name) => `${stem}.${name}`)
}
