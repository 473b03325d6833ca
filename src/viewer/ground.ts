// Tiles of heights for the terrain in 3D. Where a tile has a hole, or is not stored, MapLibre would see the encoding's
// lowest number and build a cliff to it; here the ground goes on at the file's lowest height.
import type { MapLibreModule } from './maplibre.js'
import type { HeightRange } from './relief.js'

export type Encoding = 'mapbox' | 'terrarium'

const SCHEME = 'flagstone-ground'
let code: readonly [number, number, number] = [128, 0, 0]

/** The same URL with a protocol that this module handles. */
export const groundAddress = (tiles: string): string =>
  tiles.replace(/^https?/, (from) => `${SCHEME}-${from}`)

export function setGroundLevel(range: HeightRange | undefined, encoding: Encoding): void {
  const level = range?.[0] ?? 0
  // https://github.com/tilezen/joerd/blob/master/docs/formats.md and Mapbox Terrain-RGB v1
  const units = encoding === 'mapbox' ? Math.round((level + 10_000) * 10) : Math.round((level + 32_768) * 256)
  code = [(units >> 16) & 255, (units >> 8) & 255, units & 255]
}

export function addGroundProtocol(maplibre: MapLibreModule, tileSize: number): void {
  for (const scheme of ['http', 'https']) {
    maplibre.addProtocol(`${SCHEME}-${scheme}`, async ({ url }, { signal }) => {
      const answer = await fetch(url.slice(SCHEME.length + 1), { signal })
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
      return { data: await filled(await answer.blob(), tileSize) }
    })
  }
}

async function filled(blob: Blob, tileSize: number): Promise<ImageBitmap> {
  const picture =
    blob.size === 0
      ? undefined
      : await createImageBitmap(blob, { premultiplyAlpha: 'none', colorSpaceConversion: 'none' })
  const [width, height] = [picture?.width ?? tileSize, picture?.height ?? tileSize]
  const pen = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
  if (picture !== undefined) pen.drawImage(picture, 0, 0)
  const pixels = pen.getImageData(0, 0, width, height)
  const { data } = pixels
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) continue
    data[at] = code[0]
    data[at + 1] = code[1]
    data[at + 2] = code[2]
    data[at + 3] = 255
  }
  return await createImageBitmap(pixels, { premultiplyAlpha: 'none', colorSpaceConversion: 'none' })
}
