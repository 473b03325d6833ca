// Renders heights as grey pictures: lit by a sun, or from black (lowest) to white (highest).
import { LIMIT_METRES, metresToLat } from '../../grid/tiles/mercator.js'
import type { Pixels } from '../pixels.js'

export interface MercatorGrid {
  /** Upper edge of the picture, mercator metres. */
  readonly north: number
  /** Mercator metres per pixel. */
  readonly metresX: number
  readonly metresY: number
}

/** Direction of the light in degrees, and the factor for heights. */
export interface Sun {
  /** Clockwise from north. */
  readonly azimuth: number
  /** Above the horizon. */
  readonly altitude: number
  readonly exaggeration: number
}

/** A sun in the north-west, as gdaldem's default. */
export const NORTH_WEST: Sun = { azimuth: 315, altitude: 45, exaggeration: 1 }

const RADIANS = Math.PI / 180

/**
 * Hillshade with Horn's slopes ("Hill shading and the reflectance map", 1981). Mercator metres are converted to ground
 * metres row by row. Missing neighbours repeat the pixel itself.
 */
export function shadeOfHeights(
  heights: Pixels<Float32Array>,
  grid: MercatorGrid,
  { azimuth, altitude, exaggeration }: Sun = NORTH_WEST,
): Pixels {
  const { width, height, mask } = heights
  const up = Math.sin(altitude * RADIANS)
  const east = Math.cos(altitude * RADIANS) * Math.sin(azimuth * RADIANS)
  const north = Math.cos(altitude * RADIANS) * Math.cos(azimuth * RADIANS)
  const data = new Uint8Array(width * height)
  const { data: z } = heights
  for (let y = 0; y < height; y++) {
    const metres = Math.max(-LIMIT_METRES, Math.min(LIMIT_METRES, grid.north - (y + 0.5) * grid.metresY))
    const ground = Math.cos(metresToLat(metres) * RADIANS)
    const perX = exaggeration / (8 * grid.metresX * ground)
    const perY = exaggeration / (8 * grid.metresY * ground)
    for (let x = 0; x < width; x++) {
      const p = y * width + x
      if (mask !== undefined && mask[p] === 0) continue
      const a = heightAt(heights, x - 1, y - 1, p)
      const b = heightAt(heights, x, y - 1, p)
      const c = heightAt(heights, x + 1, y - 1, p)
      const d = heightAt(heights, x - 1, y, p)
      const f = heightAt(heights, x + 1, y, p)
      const g = heightAt(heights, x - 1, y + 1, p)
      const h = heightAt(heights, x, y + 1, p)
      const i = heightAt(heights, x + 1, y + 1, p)
      const toEast = (c + 2 * f + i - a - 2 * d - g) * perX
      const toNorth = (a + 2 * b + c - g - 2 * h - i) * perY
      // dot product of the normal (−toEast, −toNorth, 1) and the direction of the sun
      const light =
        (up - toEast * east - toNorth * north) / Math.sqrt(1 + toEast * toEast + toNorth * toNorth)
      data[p] = Number.isFinite(z[p]!) ? Math.max(1, Math.min(255, Math.round(1 + 254 * light))) : 0
    }
  }
  return { width, height, bands: 1, data, mask }
}

function heightAt(
  { width, height, data, mask }: Pixels<Float32Array>,
  x: number,
  y: number,
  self: number,
): number {
  if (x < 0 || y < 0 || x >= width || y >= height) return data[self]!
  const p = y * width + x
  return mask !== undefined && mask[p] === 0 ? data[self]! : data[p]!
}

/** Scales heights from black (lowest) to white (highest). */
export function greyOfHeights({ width, height, data, mask }: Pixels<Float32Array>): Pixels {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let p = 0; p < data.length; p++) {
    if (mask !== undefined && mask[p] === 0) continue
    low = Math.min(low, data[p]!)
    high = Math.max(high, data[p]!)
  }
  const scale = high > low ? 255 / (high - low) : 0
  const grey = new Uint8Array(width * height)
  for (let p = 0; p < data.length; p++) {
    if (mask === undefined || mask[p] !== 0) grey[p] = Math.round((data[p]! - low) * scale)
  }
  return { width, height, bands: 1, data: grey, mask }
}
