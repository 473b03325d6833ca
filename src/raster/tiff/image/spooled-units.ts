// Keeps decoded strips on disk where decoding them again would take longer.
import type { PixelMemory, Samples } from '../../pixels.js'
import type { Spool } from '../../spool.js'
import { SpooledBlocks } from '../../spool.js'
import { Compression } from '../file/tags.js'
import type { TiffImage, Unit } from './image.js'

/** The spool for an image; undefined when blocks need no decoding, or a spool would not be faster. */
export function spooledOf(
  spool: Spool,
  { layout, unitWidth, unitHeight, view }: TiffImage,
): SpooledBlocks | undefined {
  if (layout.tiled || layout.blocksAcross !== 1 || layout.compression === Compression.None) return undefined
  const bytes = view.bands * (view.samples === 'uint8' ? 1 : 4) + 1
  return new SpooledBlocks(spool, unitWidth * unitHeight * bytes)
}

/** A unit from the spool, or decoded. */
export async function unitOf(
  image: TiffImage,
  spooled: SpooledBlocks | undefined,
  unitX: number,
  unitY: number,
  memory: PixelMemory | undefined,
): Promise<Unit> {
  if (spooled === undefined) return image.decode(unitX, unitY, memory)
  const width = image.unitWidth
  const rows = Math.min(image.unitHeight, image.layout.height - unitY * image.unitHeight)
  const take = (length: number): Uint8Array => memory?.take(length) ?? new Uint8Array(length)
  const size = width * rows * image.view.bands
  const kept = spooled.read<Samples>(
    unitY,
    () => (image.view.samples === 'uint8' ? take(size) : new Float32Array(size)),
    () => take(width * rows),
  )
  if (kept !== undefined) {
    return { width, rows, ...kept, byteLength: kept.data.byteLength + (kept.mask?.byteLength ?? 0) }
  }
  const unit = await image.decode(unitX, unitY, memory)
  if (unit.lost === undefined) spooled.keep(unitY, unit)
  return unit
}
