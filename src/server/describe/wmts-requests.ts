// WMTS by key and value: ?SERVICE=WMTS&REQUEST=GetTile&LAYER=… (07-057r7, 7.1.1 and 7.2.1). Keys are in any case, and
// what is wrong with a request is said in XML.
//
// A tile is answered by the way to its own address: there it is made, and kept by caches, for everybody.
import type { Routed, RoutedSource, ServerContext } from '../context.js'
import { textAnswer } from '../http/json-answer.js'
import type { Query, Reply } from '../http/message.js'
import { publicBase } from '../http/public-url.js'
import type { Source } from '../sources/source.js'
import { NO_WISHES } from './tile-address.js'
import { answerAllCapabilities, answerCapabilities, isLayer, wmtsLayer, XML } from './wmts.js'
import { exceptionReport, matrixSetNames, type WmtsLayer } from './wmts-document.js'

type ExceptionCode =
  | 'MissingParameterValue'
  | 'InvalidParameterValue'
  | 'OperationNotSupported'
  | 'VersionNegotiationFailed'
  | 'TileOutOfRange'

class WmtsException extends Error {
  readonly code: ExceptionCode
  readonly locator: string

  constructor(code: ExceptionCode, locator: string, sentence: string) {
    super(sentence)
    this.code = code
    this.locator = locator
  }
}

/** /wmts */
export function answerWmts(context: ServerContext, request: Routed): Promise<Reply> {
  const find = (id: string): Source | undefined => context.catalog.get(id)
  return answer(context, request, find, () => answerAllCapabilities(context, request))
}

/** /{id}/wmts */
export function answerSourceWmts(context: ServerContext, request: RoutedSource): Promise<Reply> {
  const find = (id: string): Source | undefined => (id === request.source.id ? request.source : undefined)
  // of WMTS, format= is a media type
  const search = new URLSearchParams([...request.search].filter(([, value]) => !value.includes('/')))
  return answer(context, request, find, () => answerCapabilities(context, { ...request, search }))
}

async function answer(
  context: ServerContext,
  { query, search }: Routed,
  find: (id: string) => Source | undefined,
  describe: () => Promise<Reply>,
): Promise<Reply> {
  const values = new Map([...search].reverse().map(([key, value]) => [key.toUpperCase(), value]))
  try {
    checkService(values)
    const request = (values.get('REQUEST') ?? 'GetCapabilities').toLowerCase()
    if (request === 'getcapabilities') return await describe()
    if (request === 'gettile') return await wayToTile(context, query, values, find)
    throw new WmtsException('OperationNotSupported', 'REQUEST', 'REQUEST must be GetCapabilities or GetTile.')
  } catch (error) {
    if (!(error instanceof WmtsException)) throw error
    const report = exceptionReport(error.code, error.locator, error.message)
    return textAnswer(query, report, { status: 400, contentType: XML })
  }
}

function checkService(values: ReadonlyMap<string, string>): void {
  if ((values.get('SERVICE') ?? 'WMTS').toUpperCase() !== 'WMTS')
    throw wrong('SERVICE', 'SERVICE must be WMTS.')
  if ((values.get('VERSION') ?? '1.0.0') !== '1.0.0') throw wrong('VERSION', 'VERSION must be 1.0.0.')
  const accepted = values.get('ACCEPTVERSIONS')
  if (accepted !== undefined && !accepted.split(',').includes('1.0.0')) {
    throw new WmtsException('VersionNegotiationFailed', 'ACCEPTVERSIONS', 'Only version 1.0.0 is supported.')
  }
}

async function wayToTile(
  context: ServerContext,
  query: Query,
  values: ReadonlyMap<string, string>,
  find: (id: string) => Source | undefined,
): Promise<Reply> {
  const noLayer = wrong('LAYER', 'There is no such layer; GetCapabilities lists the layers.')
  const source = find(required(values, 'LAYER'))
  if (source === undefined) throw noLayer
  const release = source.hold()
  try {
    if (!(await isLayer(source))) throw noLayer
    const layer = await wmtsLayer(context, publicBase(query, context.options), source, NO_WISHES)
    const sets = matrixSetNames(layer.tileSize)
    if (!sets.includes(required(values, 'TILEMATRIXSET')))
      throw wrong('TILEMATRIXSET', `TILEMATRIXSET must be ${sets.join(' or ')}.`)
    const wanted = values.get('FORMAT') ?? layer.formats[0]!.mime
    const format = layer.formats.find(({ mime }) => mime === wanted)
    if (format === undefined)
      throw wrong('FORMAT', `FORMAT must be ${layer.formats.map(({ mime }) => mime).join(' or ')}.`)
    if (!['default', ''].includes(values.get('STYLE') ?? '')) throw wrong('STYLE', 'STYLE must be default.')
    const place = placeOf(values, layer)
    const url = format.template.replace(
      /\{(TileMatrix|TileCol|TileRow)\}/g,
      (_, name: keyof TileAddress) => `${place[name]}`,
    )
    return { status: 302, headers: ['Location', url, 'Content-Length', '0'], body: undefined }
  } finally {
    release()
  }
}

/** By the variables of the template. */
interface TileAddress {
  readonly TileMatrix: number
  readonly TileCol: number
  readonly TileRow: number
}

function placeOf(values: ReadonlyMap<string, string>, { zooms }: WmtsLayer): TileAddress {
  const [zoom, column, row] = ['TILEMATRIX', 'TILECOL', 'TILEROW'].map((name) => {
    const text = required(values, name)
    if (!/^\d{1,8}$/.test(text)) throw wrong(name, `${name} must be a whole number.`)
    return Number(text)
  }) as [number, number, number]
  if (zoom > zooms.at(-1)!) throw wrong('TILEMATRIX', `TILEMATRIX must be at most ${zooms.at(-1)}.`)
  const last = 2 ** zoom - 1
  const [outside] = Object.entries({ TILECOL: column, TILEROW: row }).find(([, at]) => at > last) ?? []
  if (outside !== undefined) {
    throw new WmtsException(
      'TileOutOfRange',
      outside,
      `${outside} must be at most ${last} in matrix ${zoom}.`,
    )
  }
  return { TileMatrix: zoom, TileCol: column, TileRow: row }
}

function required(values: ReadonlyMap<string, string>, name: string): string {
  const found = values.get(name)
  if (found === undefined) throw new WmtsException('MissingParameterValue', name, `${name} is missing.`)
  return found
}

const wrong = (name: string, sentence: string): WmtsException =>
  new WmtsException('InvalidParameterValue', name, sentence)
