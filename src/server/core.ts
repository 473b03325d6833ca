// A request → an answer, whatever HTTP library is around it. Tiles are recognised first and answered without a
// promise; everything else goes through the tables of routes.ts.
import { FlagstoneError } from '../errors.js'
import { mimeOf } from '../format/tile-type.js'
import type { ServerContext } from './context.js'
import { type Answer, HttpError, type Query, type Reply } from './message.js'
import { FILE_ROUTES, match, type Route, SERVER_ROUTES, SOURCE_ROUTES } from './routes.js'
import type { Source } from './source.js'

const TILE = /^\/(?:(?:tiles|data)\/)?([^/]+)\/(\d{1,2})\/(\d{1,8})\/(\d{1,8})(?:\.(\w+))?$/
/** Names that are ours, whatever sources are called. */
const ALIASES = new Set(['tiles', 'data'])

export class Core {
  readonly context: ServerContext

  constructor(context: ServerContext) {
    this.context = context
  }

  /** Never throws and never rejects: whatever goes wrong is a Reply. */
  answer(query: Query): Answer {
    try {
      const answer = this.#route(query)
      return answer instanceof Promise ? answer.catch((error: unknown) => replyOf(error)) : answer
    } catch (error) {
      return replyOf(error)
    }
  }

  #route(query: Query): Answer {
    const { options, catalog } = this.context
    const mark = query.target.indexOf('?')
    let path = mark < 0 ? query.target : query.target.slice(0, mark)
    if (!path.startsWith(options.basePath)) throw new HttpError(404, 'There is nothing here.')
    path = path.slice(options.basePath.length)
    const tile = TILE.exec(path)
    if (tile !== null) {
      const source = catalog.get(decode(tile[1]!))
      if (source !== undefined) return answerTile(source, Number(tile[2]), Number(tile[3]), Number(tile[4]))
    }
    const search = new URLSearchParams(mark < 0 ? '' : query.target.slice(mark + 1))
    const segments = path.split('/').slice(1).map(decode)
    for (const route of SERVER_ROUTES) {
      if (match(route.pattern, segments) === undefined) continue
      allow(route, query)
      return route.answer(this.context, { query, segments, search })
    }
    const parts = ALIASES.has(segments[0]!) && segments.length > 1 ? segments.slice(1) : segments
    const found = this.#sourceRoute(parts)
    if (found === undefined) throw new HttpError(404, 'There is nothing here.')
    allow(found.route, query)
    return found.route.answer(this.context, {
      query,
      segments: parts,
      search,
      source: found.source,
      rest: found.rest,
    })
  }

  #sourceRoute(
    parts: readonly string[],
  ): { route: (typeof SOURCE_ROUTES)[number]; source: Source; rest: readonly string[] } | undefined {
    const { catalog } = this.context
    const [first = '', ...others] = parts
    const dot = first.lastIndexOf('.')
    if (others.length === 0 && dot > 0) {
      const route = FILE_ROUTES[first.slice(dot + 1)]
      const source = catalog.get(first.slice(0, dot))
      if (route !== undefined && source !== undefined) return { route, source, rest: [] }
    }
    const source = catalog.get(first)
    if (source === undefined) return undefined
    for (const route of SOURCE_ROUTES) {
      const rest = match(route.pattern, others)
      if (rest !== undefined) return { route, source, rest }
    }
    return undefined
  }
}

function allow(route: Route<never>, { method }: Query): void {
  const asked = method === 'HEAD' ? 'GET' : method
  if ((route.methods as readonly string[]).includes(asked)) return
  const allowed = route.methods.includes('GET') ? ['GET', 'HEAD', ...route.methods.slice(1)] : route.methods
  throw new HttpError(405, `${method} is not for this address.`, ['Allow', allowed.join(', ')])
}

function answerTile(source: Source, z: number, x: number, y: number): Reply {
  const tile = source.get(z, x, y)
  if (tile === undefined) return { status: 204, headers: [], body: undefined }
  const headers = ['Content-Type', mimeOf(tile.type), 'Content-Length', `${tile.length}`, 'ETag', tile.etag]
  return { status: 200, headers, body: tile.bytes }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new HttpError(400, 'The address is not encoded as UTF-8 in %XX.')
  }
}

function replyOf(error: unknown): Reply {
  if (error instanceof HttpError) return sentence(error.status, error.message, error.headers)
  if (error instanceof FlagstoneError && error.code === 'TOO_LARGE') return sentence(400, error.message)
  if (error instanceof RangeError) return sentence(400, error.message)
  const message =
    error instanceof FlagstoneError ? error.message : 'The server failed at this request; its log says how.'
  return sentence(500, message)
}

function sentence(status: number, message: string, headers: readonly string[] = []): Reply {
  const body = Buffer.from(`${JSON.stringify({ error: message })}\n`)
  return {
    status,
    headers: ['Content-Type', 'application/json', 'Content-Length', `${body.length}`, ...headers],
    body,
  }
}
