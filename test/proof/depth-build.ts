// Builds of sources of three depths, with all that reaches over the edges of tiles: for tests that interrupt them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildOptions } from '../../src/pyramid/build.js'
import { type SmallTiff, smallTiff } from '../helpers/small-tiff.js'

/** Metres of a pixel of zoom 0. */
const WORLD_PIXEL = 156543.03392804097

/** Corner in pixels of a zoom, from that of the world. */
function tiff(zoom: number, x: number, y: number, more: Omit<SmallTiff, 'place'>): Buffer {
  const metres = WORLD_PIXEL / 2 ** zoom
  const half = WORLD_PIXEL * 128
  return smallTiff({ block: 128, place: [x * metres - half, half - y * metres, metres], ...more }).bytes
}

/** Every pixel's own value, so that a tile that is made twice or from the wrong pixels is another. */
const noise = (x: number, y: number, band: number): number =>
  40 + (((Math.imul(x + 31 * band, 73856093) ^ Math.imul(y, 19349663)) >>> 5) % 170)

/** A base, two images four times finer that overlap, and a finer one on the edge of all. Holes are round. */
function images(isTerrain: boolean): Buffer[] {
  const kind = isTerrain ? { bands: 1, wide: true } : { bands: 3 }
  const round = (cx: number, cy: number, r: number) => (x: number, y: number) =>
    (x - cx) ** 2 + (y - cy) ** 2 > r * r
  const one = { ...kind, paint: noise }
  return [
    tiff(9, 51500, 45400, { ...one, width: 300, height: 250, mask: round(210, 150, 50) }),
    tiff(11, 206300, 182000, { ...one, width: 350, height: 300, mask: round(100, 120, 70) }),
    tiff(11, 206500, 182150, { ...one, width: 300, height: 250 }),
    tiff(13, 826300, 728400, { ...one, width: 450, height: 400, mask: round(300, 250, 100) }),
  ]
}

export const KINDS = ['colours', 'terrain'] as const
export type Kind = (typeof KINDS)[number]

export function writeImages(dir: string, kind: Kind): void {
  for (const [i, bytes] of images(kind === 'terrain').entries())
    writeFileSync(join(dir, `${kind}${i}.tif`), bytes)
}

/** Of the images that writeImages() left in the folder. */
export function depthBuild(dir: string, kind: Kind, out: string): BuildOptions {
  const common = {
    sources: [0, 1, 2, 3].map((i) => join(dir, `${kind}${i}.tif`)),
    out,
    depth: 'native',
    minZoom: 4,
    commitEverySeconds: 0,
    name: kind,
  } as const
  if (kind === 'terrain') {
    return {
      ...common,
      terrain: 'terrarium',
      terrainNodata: 'parent',
      resampling: 'cubic',
      overviewResampling: 'bilinear',
    }
  }
  return {
    ...common,
    format: 'png',
    blend: 'feather',
    feather: 40,
    resampling: 'bilinear',
    overviewResampling: 'lanczos',
    cutline: CUTLINE,
    cutlineBlend: 30,
  }
}

/** Cuts off corners of the base and the side of others. */
const CUTLINE = {
  type: 'Polygon',
  coordinates: [
    [
      [-38.51, 48.307],
      [-37.7, 48.133],
      [-38.125, 47.821],
      [-38.578, 47.931],
      [-38.51, 48.307],
    ],
  ],
}
