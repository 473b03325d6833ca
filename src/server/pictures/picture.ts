// Pictures of any window and size:
//
//   /{id}/bbox/{west},{south},{east},{north}/{w}x{h}[@2x][.ext]    'auto' instead of the numbers: all of the source
//   /{id}/static/{lon},{lat},{zoom}/{w}x{h}[@2x][.ext]             zoom as of tiles of 256 pixels, fractions allowed
//   ?format= ?quality= ?resampling= ?background=rrggbb ?elevation=shade|grey|encoded ?azimuth= ?altitude= ?z=
//
// Everything in the address is checked before anything is allocated, and what will be answered has its tag before it
// is drawn.
import { encodePicture } from '../../raster/tiles/picture-encode.js'
import { computed, notMadeAgain } from '../computed.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { bytesAnswer } from '../http/json-answer.js'
import { HttpError, type Reply } from '../http/message.js'
import type { Source } from '../sources/source.js'
import { type Drawing, drawPicture } from './draw-picture.js'
import { encodedOf } from './height-tile.js'
import { factsOf, isDrawable } from './picture-facts.js'
import { formOfPicture, type PictureForm, parseSize } from './picture-request.js'
import { allOf, windowAround, windowOfText } from './picture-window.js'

/** Measured: 16 megapixels take 300 MB while they become WebP, else 150. */
const MEMORY = { png: 1, jpeg: 1, webp: 2, avif: 2 } as const

/** @throws HttpError 400, HttpError 404 */
export function answerBbox(context: ServerContext, request: RoutedSource): Promise<Reply> {
  const { source, rest } = request
  const [place, size] = rest as [string, string]
  return answerPicture(context, request, size, () => (place === 'auto' ? allOf(source) : windowOfText(place)))
}

/** @throws HttpError 400 */
export function answerStatic(context: ServerContext, request: RoutedSource): Promise<Reply> {
  const [place, size] = request.rest as [string, string]
  return answerPicture(context, request, size, ({ width, height, scale }) =>
    windowAround(place, width / scale, height / scale),
  )
}

async function answerPicture(
  context: ServerContext,
  { query, source, rest, search }: RoutedSource,
  sizeText: string,
  windowOf: (size: ReturnType<typeof parseSize>) => Drawing['window'],
): Promise<Reply> {
  const release = source.hold()
  try {
    if (!isDrawable(source))
      throw new HttpError(404, `'${source.id}' has nothing that can be drawn as an image.`)
    const size = parseSize(sizeText, context.options.limits)
    const form = formOfPicture(search, size, factsOf(source).heights)
    const { width, height } = size
    const drawing: Drawing = { ...form, window: windowOf(size), width, height }
    const name = `picture ${rest.join(' ')} ${JSON.stringify(form)}`
    const same = notMadeAgain(query, source, name)
    if (same !== undefined) return same
    const make = (signal: AbortSignal) => draw(source, drawing, form, signal)
    const made = await computed(context, source, query, name, make, {
      pixels: width * height * MEMORY[form.format],
    })
    if (made === undefined) throw new HttpError(404, `'${source.id}' has no tiles.`)
    return bytesAnswer(query, made)
  } finally {
    release()
  }
}

async function draw(
  source: Source,
  drawing: Drawing,
  { format, quality, look }: PictureForm,
  signal: AbortSignal,
): Promise<ReturnType<typeof encodedOf> | undefined> {
  const drawn = await drawPicture(source, drawing, signal)
  if (drawn === undefined) return undefined
  const lossless = look.kind === 'encoded'
  return encodedOf(await encodePicture(drawn.picture, { format, quality, lossless }))
}
