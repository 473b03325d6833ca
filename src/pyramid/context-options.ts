// What builds and estimates take besides their options, as it is checked.
import { z } from 'zod'

const callback = z
  .custom<() => void>((value) => typeof value === 'function', 'expected a function')
  .optional()
const prepareContext = z.strictObject({
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
  openSource: callback,
  useCaller: z.boolean().optional(),
})

/** Checks what a build uses besides its options. */
export const buildContext = prepareContext.extend({
  onProgress: callback,
  onNote: callback,
  checkSpace: z.boolean().optional(),
})
export const estimateContext = prepareContext.extend({ sampleSeconds: z.number().min(0).optional() })
