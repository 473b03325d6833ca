// WMTS by key and value: ?SERVICE=WMTS&REQUEST=GetTile&LAYER=… (07-057r7, 7.1.1 and 7.2.1). Keys are in any case, and
// what is wrong with a request is said in XML.
//
// A tile is answered by the way to its own address: there it is made, and kept by caches, for everybody.
import type { Routed, RoutedSource, ServerContext } from './context.js'
import { textAnswer } from './json-answer.js'
import type { Query, Reply } from './message.js'
import { publicBase } from './public-url.js'
import type { Source } from './source.js'
import { NO_WISHES } from './tile-address.js'
import { answerAllCapabilities, answerCapabilities, isLayer, wmtsLayer, XML } from './wmts.js'
import { exceptionReport, matrixSetName } from './wmts-document.js'

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
    throw new WmtsException('OperationNotSupported', 'REQUEST', 'REQUEST is GetCapabilities or GetTile.')
  } catch (error) {
    if (!(error instanceof WmtsException)) throw error
    const report = exceptionReport(error.code, error.locator, error.message)
    return textAnswer(query, report, { status: 400, contentType: XML })
  }
}

function checkService(values: ReadonlyMap<string, string>): void {
  const service = values.get('SERVICE')
  if (service !== undefined && service.toUpperCase() !== 'WMTS') {
    throw new WmtsException('InvalidParameterValue', 'SERVICE', 'SERVICE is WMTS here.')
  }
  const version = values.get('VERSION')
  if (version !== undefined && version !== '1.0.0') {
    throw new WmtsException('InvalidParameterValue', 'VERSION', 'VERSION is 1.0.0 here.')
  }
  const accepted = values.get('ACCEPTVERSIONS')
  if (accepted !== undefined && !accepted.split(',').includes('1.0.0')) {
    throw new WmtsException('VersionNegotiationFailed', 'ACCEPTVERSIONS', 'There is version 1.0.0.')
  }
}

async function wayToTile(
  context: ServerContext,
  query: Query,
  values: ReadonlyMap<string, string>,
  find: (id: string) => Source | undefined,
): Promise<Reply> {
  const value = (name: string): string => {
    const found = values.get(name)
    if (found === undefined) throw new WmtsException('MissingParameterValue', name, `${name} is missing.`)
    return found
  }
  const source = find(value('LAYER'))
  if (source === undefined || !(await isLayer(source))) {
    throw new WmtsException(
      'InvalidParameterValue',
      'LAYER',
      'There is no such layer; GetCapabilities lists them.',
    )
  }
  const release = source.hold()
  try {
    const layer = await wmtsLayer(context, publicBase(query, context.options), source, NO_WISHES)
    const expect = (name: string, isRight: boolean, right: string): void => {
      if (!isRight) throw new WmtsException('InvalidParameterValue', name, `${name} is ${right} here.`)
    }
    const set = matrixSetName(layer.tileSize)
    expect('TILEMATRIXSET', value('TILEMATRIXSET') === set, set)
    expect('FORMAT', (values.get('FORMAT') ?? layer.mime) === layer.mime, layer.mime)
    expect('STYLE', ['default', ''].includes(values.get('STYLE') ?? ''), 'default')
    const zoom = whole('TILEMATRIX', value('TILEMATRIX'))
    const [column, row] = [whole('TILECOL', value('TILECOL')), whole('TILEROW', value('TILEROW'))]
    expect('TILEMATRIX', layer.zooms.length > 0 && zoom <= layer.zooms.at(-1)!, 'none of the set')
    for (const [name, number] of [
      ['TILECOL', column],
      ['TILEROW', row],
    ] as const) {
      if (number < 2 ** zoom) continue
      throw new WmtsException(
        'TileOutOfRange',
        name,
        `${name} is at most ${2 ** zoom - 1} in matrix ${zoom}.`,
      )
    }
    const place = { '{TileMatrix}': zoom, '{TileCol}': column, '{TileRow}': row }
    let url = layer.template
    for (const [variable, number] of Object.entries(place)) url = url.replace(variable, String(number))
    return { status: 302, headers: ['Location', url, 'Content-Length', '0'], body: undefined }
  } finally {
    release()
  }
}

function whole(name: string, text: string): number {
  if (/^\d{1,8}$/.test(text)) return Number(text)
  throw new WmtsException('InvalidParameterValue', name, `${name} is a whole number.`)
}
