// Run as a child process by geotiff-damage.test.ts: opens each file and reads all of it, and prints one line of
// JSON a file. A child, so that a crash, a hang or a flood of memory is an observation and not the end of the test.
import { FlagstoneError } from '../../src/errors.js'
import { openGeoTiff } from '../../src/raster/formats/geotiff.js'
import {
  needsTone,
  type SourceInfo,
  type SourceView,
  type StoredSamples,
  type Tone,
} from '../../src/raster/source.js'
import { openFileSource } from '../../src/raster/tiff/file/byte-source.js'
import { TiffRaster } from '../../src/raster/tiff/raster.js'

export interface Outcome {
  readonly file: string
  /** 'read', an error code, or 'BUG …' for anything that is not a FlagstoneError. */
  readonly outcome: string
  readonly message: string
  readonly ms: number
  /** Peak of the process so far. */
  readonly peakMb: number
}

interface Readable {
  readonly levels: readonly { readonly width: number; readonly height: number }[]
  read(level: number, window: { x: number; y: number; width: number; height: number }): Promise<unknown>
}

/** In bands, as a build does; an absurdly large image is given up after a while. */
async function readAll(source: Readable): Promise<void> {
  for (const [i, { width, height }] of source.levels.entries()) {
    for (let y = 0; y < Math.min(height, 4096); y += 256) {
      for (let x = 0; x < Math.min(width, 4096); x += 1024) {
        const window = { x, y, width: Math.min(1024, width - x), height: Math.min(256, height - y) }
        await source.read(i, window)
      }
    }
  }
}

/** Colours, toned when they need it, and values. */
function viewsOf(stored: StoredSamples): SourceView[] {
  const tone: Tone = { ranges: [[0, 200]], gamma: 1.5 }
  const bands = Array.from({ length: Math.min(stored.bands, 4) }, (_, i) => i + 1)
  const picture: SourceView = needsTone(stored) ? { kind: 'colour', tone } : { kind: 'colour' }
  return [picture, { kind: 'values', bands }]
}

/** Pixels first, whether or not the image has a place on earth; then as a source. */
async function use(file: string): Promise<void> {
  const bytes = await openFileSource(file)
  try {
    const { stored } = (await TiffRaster.open(bytes)).look
    for (const view of viewsOf(stored)) await readAll(await TiffRaster.open(bytes, { view }))
  } finally {
    await bytes.close()
  }
  const { stored, levels } = await infoOf(file)
  const source = await openGeoTiff(file, { view: viewsOf(stored)[0]! })
  try {
    await readAll({ levels, read: (level, window) => source.read(level, window) })
  } finally {
    await source.close()
  }
}

async function infoOf(file: string): Promise<SourceInfo> {
  const source = await openGeoTiff(file)
  await source.close()
  return source.info
}

for (const file of process.argv.slice(2)) {
  const start = performance.now()
  let outcome = 'read'
  let message = ''
  try {
    await use(file)
  } catch (error) {
    const known = error instanceof FlagstoneError
    outcome = known ? error.code : 'BUG'
    message = known ? error.message : String((error as Error).stack ?? error)
  }
  const ms = Math.round(performance.now() - start)
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(JSON.stringify({ file, outcome, message, ms, peakMb } satisfies Outcome))
}
