// The view of transparency masks: one band, in which every value but 0 is opaque.
import type { SampleBlock, ViewedBlock } from '../../view/view.js'
import type { ImageView } from './image.js'

/** The view of one sample of a mask image. */
export const maskView = (sample = 0): ImageView => ({
  bands: 1,
  samples: 'uint8',
  needed: [sample],
  emptySample: () => 0,
  apply({ arrays, stride }: SampleBlock, pixels: number): ViewedBlock {
    const from = arrays[sample]!
    const data = new Uint8Array(pixels)
    for (let i = 0, s = stride === 1 ? 0 : sample; i < pixels; i++, s += stride)
      if (from[s] !== 0) data[i] = 255
    return { data, mask: undefined }
  },
})
