// Numbers of ours → TIFFs written by GDAL with any creation options, so that tests know the right values without
// asking a reader.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { TiffRaster, type TiffRasterOptions } from '../../src/raster/tiff/raster.js'
import { runGdal } from '../helpers/gdal-process.js'
import { randomFrom } from '../helpers/random.js'

export type GdalType =
  | 'Byte'
  | 'UInt16'
  | 'Int16'
  | 'UInt32'
  | 'Int32'
  | 'UInt64'
  | 'Int64'
  | 'Float32'
  | 'Float64'

const ARRAYS = {
  Byte: Uint8Array,
  UInt16: Uint16Array,
  Int16: Int16Array,
  UInt32: Uint32Array,
  Int32: Int32Array,
  UInt64: BigUint64Array,
  Int64: BigInt64Array,
  Float32: Float32Array,
  Float64: Float64Array,
} as const

export interface Made {
  readonly width: number
  readonly height: number
  readonly samples: number
  /** Interleaved. */
  readonly values: Float64Array
}

/** Smooth waves with noise over [low, high], whole numbers unless `fraction`. */
export function made(
  width: number,
  height: number,
  samples: number,
  low: number,
  high: number,
  seed: number,
  fraction = false,
): Made {
  const random = randomFrom(seed)
  const values = Float64Array.from({ length: width * height * samples }, (_, i) => {
    const s = i % samples
    const x = Math.floor(i / samples) % width
    const y = Math.floor(i / samples / width)
    const wave = 0.5 + 0.4 * Math.sin(x / (5 + s)) * Math.cos(y / 7) + 0.1 * (random() - 0.5)
    const v = low + (high - low) * (random() < 0.05 ? random() : wave)
    return fraction ? Math.fround(v) : Math.max(low, Math.min(high, Math.round(v)))
  })
  // Both ends, too.
  values[0] = low
  values[1] = high
  return { width, height, samples, values }
}

/** Has GDAL write `image` as a TIFF; undefined when GDAL will not (with these options, in this version). */
export function writeTiff(
  dir: string,
  name: string,
  image: Made,
  type: GdalType,
  options: readonly string[],
  more: readonly string[] = [],
): string | undefined {
  const { width, height, samples, values } = image
  const Typed = ARRAYS[type]
  const isBig = type === 'UInt64' || type === 'Int64'
  const typed = isBig
    ? (Typed as typeof BigInt64Array).from(values as unknown as ArrayLike<bigint>, (v) => BigInt(v as never))
    : (Typed as typeof Float64Array).from(values)
  const bytes = Typed.BYTES_PER_ELEMENT
  writeFileSync(join(dir, 'made.raw'), new Uint8Array(typed.buffer))
  const bands = Array.from(
    { length: samples },
    (_, s) => `<VRTRasterBand dataType="${type}" band="${s + 1}" subClass="VRTRawRasterBand">
      <SourceFilename relativetoVRT="1">made.raw</SourceFilename><ImageOffset>${s * bytes}</ImageOffset>
      <PixelOffset>${samples * bytes}</PixelOffset><LineOffset>${width * samples * bytes}</LineOffset><ByteOrder>LSB</ByteOrder>
    </VRTRasterBand>`,
  )
  const vrt = `<VRTDataset rasterXSize="${width}" rasterYSize="${height}">${bands.join('')}</VRTDataset>`
  writeFileSync(join(dir, 'made.vrt'), vrt)
  const out = join(dir, name)
  const creation = options.flatMap((o) => ['-co', o])
  const done = runGdal('gdal_translate', ['-q', ...more, ...creation, join(dir, 'made.vrt'), out])
  return done.status === 0 && !/error|not supported|warning/i.test(done.stderr) ? out : undefined
}

/** All pixels of the full level, without asking where on earth they are. */
export async function readTiff(
  file: string,
  options: TiffRasterOptions,
): Promise<{ raster: TiffRaster; data: Uint8Array | Float32Array; mask: Uint8Array | undefined }> {
  const raster = await TiffRaster.open(await openFileSource(file), options)
  try {
    const { width, height } = raster.layout
    const { data, mask } = await raster.read(0, { x: 0, y: 0, width, height })
    return { raster, data, mask }
  } finally {
    await raster.close()
  }
}
