// Small pyramids for tests of COGs, and how GDAL sees them.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, type TileType } from '../../../src/index.js'
import type { Pixels } from '../../../src/raster/pixels.js'
import { gdal } from '../../helpers/gdal-process.js'

export const SIZE = 256

/** Smooth colours that differ from tile to tile, and the tile's place in them. `hole`: the west is transparent. */
export function picture(z: number, x: number, y: number, hole = false, bands = 3): Pixels {
  const data = new Uint8Array(SIZE * SIZE * bands)
  const mask = hole ? new Uint8Array(SIZE * SIZE).fill(255) : undefined
  for (let p = 0; p < SIZE * SIZE; p++) {
    const [column, row] = [p % SIZE, Math.floor(p / SIZE)]
    for (let c = 0; c < bands; c++)
      data[p * bands + c] = [(column + 40 * x) % 200, (row + 40 * y) % 200, 20 * z + ((column + row) >> 2)][
        c
      ]!
    if (mask !== undefined && column < row / 2 + 32) mask[p] = 0
  }
  return { width: SIZE, height: SIZE, bands, data, mask }
}

export type Place = readonly [z: number, x: number, y: number]

/** Writes an archive from tiles. */
export async function writePyramid(
  path: string,
  places: readonly Place[],
  tileOf: (...place: Place) => Promise<{ bytes: Uint8Array; type: TileType } | undefined>,
  metadata: Record<string, unknown> = {},
): Promise<void> {
  const writer = create(path)
  for (const place of places) {
    const tile = await tileOf(...place)
    if (tile !== undefined) writer.append(...place, tile.bytes, tile.type)
  }
  writer.setMetadata(metadata)
  writer.seal()
  writer.close()
}

/** All tiles above and including a rectangle of zoom `deep`, down to zoom `low`. */
export function placesAbove(
  deep: number,
  low: number,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): Place[] {
  const places: Place[] = []
  for (let z = low; z <= deep; z++) {
    const by = 2 ** (deep - z)
    for (let y = Math.floor(y0 / by); y <= Math.floor(y1 / by); y++)
      for (let x = Math.floor(x0 / by); x <= Math.floor(x1 / by); x++) places.push([z, x, y])
  }
  return places
}

/** What GDAL reads of an image or, from 0, of an overview, pixel by pixel; `band` 'mask' for the mask. */
export function gdalRead(
  path: string,
  overview: number | undefined,
  folder: string,
  ...options: string[]
): Buffer {
  const raw = join(folder, 'raw.bin')
  const level = overview === undefined ? [] : ['-oo', `OVERVIEW_LEVEL=${overview}`]
  gdal('gdal_translate', '-q', '-of', 'ENVI', '-co', 'INTERLEAVE=BIP', ...options, ...level, path, raw)
  return readFileSync(raw)
}

const SCRIPT = '/usr/share/doc/python3-gdal/examples/validate_cloud_optimized_geotiff.py'
const WAYS = ['python3', '/usr/bin/python3'].flatMap((python) => [
  [python, '-m', 'osgeo_utils.samples.validate_cloud_optimized_geotiff'],
  [python, SCRIPT],
])

const found = WAYS.filter((way) => way.includes('-m') || existsSync(SCRIPT)).find(([python, ...args]) => {
  const said = spawnSync(python!, args, { encoding: 'utf8' })
  return /Usage: /.test(said.stdout)
})

export const withoutValidator: string | false =
  found === undefined ? 'needs python3-gdal with its validator of COGs' : false

/** What GDAL's validator of Cloud Optimized GeoTIFFs says. */
export function validate(path: string): string {
  const [python, ...args] = found!
  const said = spawnSync(python!, [...args, '--full-check=yes', path], { encoding: 'utf8' })
  return said.stdout + said.stderr
}
