// Images are drawn on the main thread, a piece at a time, so that tiles are answered in between.
import type { Resampling, Samples } from '../../raster/pixels.js'
import type { TileForm } from '../../sampling/tile-form.js'

/** Of a piece, and of the mosaic under it. Measured: a few milliseconds' work with each kernel. */
export function piecePixels(resampling: Resampling, isHeights: boolean): number {
  const isQuick = resampling === 'nearest' || resampling === 'bilinear' || resampling === 'average'
  return isQuick ? (isHeights ? 2 ** 15 : 2 ** 16) : 2 ** 14
}

/** Pictures that wait to go on. */
const resting: (() => void)[] = []

/** One piece per turn of the event loop, however many images are being drawn. */
function resume(): void {
  resting.shift()?.()
  if (resting.length > 0) setImmediate(resume)
}

/** Lets others have their turn. Once the signal is aborted it rejects with its reason. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (resting.push(resolve) === 1) setImmediate(resume)
  })
  signal.throwIfAborted()
}

/** As `form`, with others' turn after each tile: raw elevations are decoded here, not in the thread pool. */
export function gentle<T extends Samples>(form: TileForm<T>, signal: AbortSignal): TileForm<T> {
  return {
    canvas: (width, height) => form.canvas(width, height),
    async decode(bytes) {
      await breathe(signal)
      return form.decode(bytes)
    },
  }
}
