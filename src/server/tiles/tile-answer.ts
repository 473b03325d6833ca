// The answer to a tile's address. As it is stored, it takes a look-up and an array of headers: no promise, no decoding,
// no copy; a HEAD and a 304 read the record only. What has to be made (another format, size or scale, what is missing)
// goes to render-tile.ts.
import { mimeOf, TileType, typeFromExtension } from '../../format/tile-type.js'
import { type ImageFormat, imageFormatOf } from '../../raster/tiles/image-format.js'
import type { TileStat } from '../../store/read/tile.js'
import { MAX_ZOOM } from '../../zooms.js'
import { notMadeAgain } from '../computed.js'
import type { ServerContext } from '../context.js'
import { chooseType } from '../http/accept.js'
import { isNamed } from '../http/conditional.js'
import { pushVary, type StandardHeaders } from '../http/headers.js'
import { bytesAnswer } from '../http/json-answer.js'
import { type Answer, HttpError, type Query, type Reply } from '../http/message.js'
import type { TilePath } from '../http/tile-path.js'
import { factsOf } from '../pictures/picture-facts.js'
import { renderTile, type TileWant } from '../pictures/render-tile.js'
import { NO_QUERY, parseTileQuery } from '../pictures/tile-query.js'
import { checkWant, mimeOfFormat, nameOfTile } from '../pictures/tile-want.js'
import type { Source } from '../sources/source.js'
import { type AskedTile, isLasting } from './asked-tile.js'
import { missingTile } from './missing-tile.js'
import { packedAnswer } from './packed-tile.js'

/** If the client accepts several equally, the first is used. AVIF takes so long that it must be requested alone. */
const NEGOTIATED: readonly ImageFormat[] = ['webp', 'avif', 'jpeg', 'png']

export class TileAnswers {
  readonly #context: ServerContext
  readonly #standard: StandardHeaders

  constructor(context: ServerContext, standard: StandardHeaders) {
    this.#context = context
    this.#standard = standard
  }

  /**
   * `search`: behind the question mark.
   * @throws HttpError 400 when it cannot be a tile
   * @throws HttpError 404 when it is outside the grid
   */
  answer(query: Query, source: Source, path: TilePath, search: string): Answer {
    const { z, x, isTms, extension, scale } = path
    if (z > MAX_ZOOM) throw new HttpError(400, `The zoom must be from 0 to ${MAX_ZOOM}.`)
    const rows = 2 ** z
    if (x >= rows || path.y >= rows) {
      throw new HttpError(404, `Zoom ${z} has columns and rows from 0 to ${rows - 1}.`)
    }
    const asked = search === '' ? NO_QUERY : parseTileQuery(search)
    const y = isTms || asked.isTms ? rows - 1 - path.y : path.y
    const type = extension === '' ? undefined : typeFromExtension(extension)
    if (type === undefined && extension !== '') throw new HttpError(404, 'That extension is not supported.')
    if (scale === 0) throw new HttpError(400, 'The scale must be @2x, @3x or @4x.')
    const wasVersioned = asked.version !== undefined && asked.version === source.version
    const tile = { source, z, x, y, asked, wasVersioned, type, scale }
    const isToBeMade =
      this.#context.options.transcode ||
      scale > 1 ||
      asked.format !== undefined ||
      asked.size !== undefined ||
      asked.quality !== undefined
    return isToBeMade ? this.#inForm(query, tile) : this.#stored(query, tile, undefined)
  }

  #stored(query: Query, tile: AskedTile, vary: string | undefined): Answer {
    const { source, z, x, y } = tile
    const known = query.header('if-none-match')
    const isHead = query.method === 'HEAD'
    if (isHead || known !== undefined) {
      const stat = source.stat(z, x, y)
      if (stat === undefined) return missingTile(this.#context, this.#standard, query, tile, {})
      if (known !== undefined && isNamed(stat.etag, known)) {
        const headers = ['ETag', stat.etag, 'Cache-Control', this.#standard.cacheControl(isLasting(tile))]
        this.#push(query, headers, vary)
        return this.#asStored(query, source, { status: 304, headers, body: undefined })
      }
      if (isHead) {
        const headers = this.#headers(query, tile, stat, vary)
        return this.#asStored(query, source, { status: 200, headers, body: undefined })
      }
    }
    const found = source.get(z, x, y)
    if (found === undefined) return missingTile(this.#context, this.#standard, query, tile, {})
    const headers = this.#headers(query, tile, found, vary)
    return this.#asStored(query, source, { status: 200, headers, body: found.bytes, isSpare: true })
  }

  #asStored(query: Query, { contentEncoding }: Source, reply: Reply): Answer {
    return contentEncoding === undefined ? reply : packedAnswer(this.#context, query, contentEncoding, reply)
  }

  #headers(query: Query, tile: AskedTile, stat: TileStat, vary: string | undefined): string[] {
    const headers = [
      'Content-Type',
      mimeOf(stat.type),
      'Content-Length',
      `${stat.length}`,
      'ETag',
      stat.etag,
      'Cache-Control',
      this.#standard.cacheControl(isLasting(tile)),
    ]
    this.#push(query, headers, vary)
    return headers
  }

  #push(query: Query, headers: string[], vary: string | undefined): void {
    if (vary !== undefined) pushVary(headers, vary)
    this.#standard.pushCors(query, headers)
  }

  /** In the requested form; the stored bytes if they have it. */
  #inForm(query: Query, tile: AskedTile): Answer {
    const { source, z, x, y, asked, scale, type } = tile
    const stat = source.stat(z, x, y)
    const isNegotiated = this.#context.options.transcode && type === undefined && asked.format === undefined
    const vary = isNegotiated ? 'Accept' : undefined
    const format =
      asked.format ?? (isNegotiated ? negotiated(query, source, stat) : this.#byExtension(type, stat))
    const want: TileWant = {
      format,
      quality: asked.quality,
      size: asked.size,
      scale: scale > 1 ? scale : undefined,
    }
    checkWant(want)
    if (stat === undefined) return missingTile(this.#context, this.#standard, query, tile, want)
    const isOther =
      scale > 1 ||
      asked.size !== undefined ||
      asked.quality !== undefined ||
      (format !== undefined && format !== imageFormatOf(stat.type))
    return isOther ? this.#made(query, tile, want, vary) : this.#stored(query, tile, vary)
  }

  /** An extension counts where tiles are converted, and for pictures and heights only: others are sent as they are. */
  #byExtension(type: TileType | undefined, stat: TileStat | undefined): ImageFormat | undefined {
    if (!this.#context.options.transcode || type === undefined) return undefined
    const isPicture = stat === undefined || imageFormatOf(stat.type) !== undefined
    return isPicture || stat?.type === TileType.elevation ? imageFormatOf(type) : undefined
  }

  async #made(query: Query, tile: AskedTile, want: TileWant, vary: string | undefined): Promise<Reply> {
    const { source, z, x, y } = tile
    const headers = vary === undefined ? [] : ['Vary', vary]
    const known = notMadeAgain(query, source, nameOfTile('tile', z, x, y, want), headers)
    if (known !== undefined) return this.#standard.finish(query, known, isLasting(tile))
    const release = source.hold()
    try {
      const made = await renderTile(this.#context, source, z, x, y, want, query)
      if (made === undefined) return missingTile(this.#context, this.#standard, query, tile, want)
      const reply = bytesAnswer(query, made, headers)
      return this.#standard.finish(query, reply, isLasting(tile))
    } finally {
      release()
    }
  }
}

/** By Accept: the stored format if no other is preferred. Heights are not converted. */
function negotiated(query: Query, source: Source, stat: TileStat | undefined): ImageFormat | undefined {
  const stored = stat === undefined ? undefined : imageFormatOf(stat.type)
  if (stored === undefined || factsOf(source).heights !== undefined) return undefined
  const formats = [stored, ...NEGOTIATED.filter((format) => format !== stored)]
  const chosen = chooseType(query.header('accept'), formats.map(mimeOfFormat))
  return formats.find((format) => mimeOfFormat(format) === chosen)
}
