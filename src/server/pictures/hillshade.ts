// /{id}/hillshade/{z}/{x}/{y}[@2x][.ext]?azimuth=315&altitude=45&z=1: heights as shaded relief.
//
// Seamless: a tile is shaded with its neighbours' heights around it. Deeper than what is stored heights are
// interpolated by cubics: the slopes of a bilinear surface jump at every pixel, which is seen as facets.
import { NORTH_WEST, type Sun } from '../../raster/tiles/hillshade.js'
import { encodePicture } from '../../raster/tiles/picture-encode.js'
import { windowOfTile } from '../../sampling/window.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { type Answer, HttpError } from '../http/message.js'
import { drawPicture } from './draw-picture.js'
import { answerHeightTile, encodedOf } from './height-tile.js'
import { WHITE } from './raw-canvas.js'

/** @throws HttpError 400, HttpError 404 */
export function answerHillshade(context: ServerContext, request: RoutedSource): Answer {
  const sun = sunOf(request.search)
  const kind = `hillshade ${sun.azimuth} ${sun.altitude} ${sun.exaggeration}`
  return answerHeightTile(context, request, kind, async ({ source, z, x, y, want, side, from }, signal) => {
    const { format = 'png', quality } = want
    const drawn = await drawPicture(
      source,
      {
        window: windowOfTile(z, x, y),
        width: side,
        height: side,
        look: { kind: 'shade', sun },
        resampling: 'average',
        enlarging: 'cubic',
        zoom: from,
        background: format === 'jpeg' ? WHITE : undefined,
      },
      signal,
    )
    if (drawn === undefined || drawn.isEmpty) return undefined
    return encodedOf(await encodePicture(drawn.picture, { format, quality }))
  })
}

/** @throws HttpError 400 when a parameter is not a number, or light comes from below */
export function sunOf(search: URLSearchParams): Sun {
  const number = (name: string, usual: number, low: number, high: number): number => {
    const text = search.get(name)
    const value = text === null || text.trim() === '' ? usual : Number(text)
    if (!(value >= low && value <= high)) {
      throw new HttpError(400, `${name} must be a number from ${low} to ${high}.`)
    }
    return value
  }
  return {
    azimuth: number('azimuth', NORTH_WEST.azimuth, -360, 360),
    altitude: number('altitude', NORTH_WEST.altitude, 0, 90),
    exaggeration: number('z', NORTH_WEST.exaggeration, 0, 1000),
  }
}
