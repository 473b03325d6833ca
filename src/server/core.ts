// A request → an answer, whatever HTTP library is around it. Tiles are recognised first and answered without a
// promise; everything else goes through the tables of routes.ts.
import { setTimeout as after } from 'node:timers/promises'
import type { FlagstoneError } from '../errors.js'
import { isBusy } from '../store/file/locked.js'
import type { Routed, ServerContext } from './context.js'
import { AllowedHosts } from './http/allowed-hosts.js'
import { failureOf } from './http/error-answer.js'
import { StandardHeaders } from './http/headers.js'
import { type Answer, HttpError, type Query, type Reply } from './http/message.js'
import { TilePath } from './http/tile-path.js'
import type { RouteCounts } from './metrics/request-counts.js'
import { answerNoMap } from './pages/pages.js'
import { FILE_ROUTES, match, type Route, SERVER_ROUTES, SOURCE_ROUTES } from './routes.js'
import type { Source } from './sources/source.js'
import { TileAnswers } from './tiles/tile-answer.js'

/** In front of ids, as other servers have it. */
const ALIASES = new Set(['tiles', 'data'])
const TILE_METHODS = 'GET, HEAD, OPTIONS'
const BUSY_PATIENCE_MS = 1000
const NOTHING = new HttpError(404, 'Not found.')

function nowhere(): never {
  throw NOTHING
}

interface Found {
  readonly route: string
  readonly methods: string
  /** Whether the URL has the source's current version; checked before and after the response is made. */
  readonly isVersioned: () => boolean
  readonly answer: () => Answer
}

export class Core {
  readonly context: ServerContext
  readonly #standard: StandardHeaders
  readonly #tiles: TileAnswers
  readonly #tileCounts: RouteCounts
  readonly #path = new TilePath()
  readonly #hosts: AllowedHosts | undefined
  /** Files whose writers have been moving parts for long, and until when this is assumed to go on. */
  readonly #stalled = new Map<string, number>()

  constructor(context: ServerContext) {
    this.context = context
    this.#standard = new StandardHeaders(context.options)
    this.#tiles = new TileAnswers(context, this.#standard)
    this.#tileCounts = context.metrics.requests.of('tile')
    const { allowedHosts } = context.options
    this.#hosts =
      allowedHosts === undefined || allowedHosts.includes('*')
        ? undefined
        : new AllowedHosts(allowedHosts, context.options)
  }

  /** Never throws and never rejects: whatever goes wrong is a Reply. */
  answer(query: Query): Answer {
    const begun = performance.now()
    let tile: Answer | undefined
    try {
      this.#hosts?.check(query)
      tile = this.#tile(query)
      if (tile === undefined) return this.#other(query, begun)
    } catch (error) {
      tile = isBusy(error)
        ? this.#again(query, error, () => this.#tileOr404(query))
        : this.failed(query, error)
    }
    if (!(tile instanceof Promise)) return this.#counted(this.#tileCounts, query, tile, begun)
    return tile
      .catch((error: unknown) => this.#again(query, error, () => this.#tileOr404(query)))
      .catch((error: unknown) => this.failed(query, error))
      .then((reply) => this.#counted(this.#tileCounts, query, reply, begun))
  }

  /**
   * A writer is moving parts of the file, which takes milliseconds: the answer is tried again until it is done. After a
   * second it gives up, and for a while all requests for that file fail at once.
   */
  async #again(query: Query, error: unknown, answer: () => Answer): Promise<Reply> {
    let last = error
    const until = performance.now() + BUSY_PATIENCE_MS
    for (let ms = 4; isBusy(last); ms = Math.min(2 * ms, 64)) {
      const path = (last as FlagstoneError).path ?? ''
      if (performance.now() > until) this.#stalled.set(path, performance.now() + BUSY_PATIENCE_MS)
      if ((this.#stalled.get(path) ?? 0) > performance.now()) break
      this.#stalled.delete(path)
      await after(ms)
      query.signal.throwIfAborted()
      try {
        return await answer()
      } catch (next) {
        last = next
      }
    }
    throw last
  }

  #tileOr404(query: Query): Answer {
    return this.#tile(query) ?? nowhere()
  }

  /** The response to an error; unexpected errors are reported. */
  failed(query: Query, error: unknown): Reply {
    const { reply, isOurs } = failureOf(error)
    if (isOurs) this.report(query, error)
    return this.#standard.finish(query, reply, false)
  }

  /** For errors in the middle of an answer too. */
  report(query: Query, error: unknown): void {
    this.context.hooks.onError?.(error, query)
  }

  /** Undefined when the URL is not that of a tile. */
  #tile(query: Query): Answer | undefined {
    const { target, method } = query
    const from = this.#begin(target)
    if (from < 0) return undefined
    const mark = target.indexOf('?', from)
    const kind = this.#path.parse(target, from, mark < 0 ? target.length : mark)
    if (kind === 'other') return undefined
    const { id } = this.#path
    const source = this.context.catalog.get(id.includes('%') ? decode(id) : id)
    if (source === undefined) return undefined
    if (method !== 'GET' && method !== 'HEAD') {
      if (method === 'OPTIONS') {
        return this.#standard.finish(query, this.#standard.options(query, TILE_METHODS), false)
      }
      throw notFor(method, TILE_METHODS)
    }
    if (kind === 'malformed') {
      throw new HttpError(
        400,
        'The URL of a tile is /{id}/{z}/{x}/{y}, with whole numbers without leading zeros.',
      )
    }
    return this.#tiles.answer(query, source, this.#path, mark < 0 ? '' : target.slice(mark + 1))
  }

  #other(query: Query, begun: number): Answer {
    const { requests } = this.context.metrics
    let found: Found | undefined
    let wasVersioned = false
    const attempt = (): Answer | undefined => {
      found = this.#find(query)
      if (found === undefined) return undefined
      wasVersioned = found.isVersioned()
      return this.#routed(query, found)
    }
    const count = (reply: Reply): Reply =>
      this.#counted(requests.of(found?.route ?? 'none'), query, reply, begun)
    const fail = (error: unknown): Reply => count(this.failed(query, error))
    const finish = (reply: Reply): Reply =>
      count(this.#standard.finish(query, reply, wasVersioned && found!.isVersioned()))
    // the body of a request can be read once
    const mayRepeat = query.method === 'GET' || query.method === 'HEAD'
    const again = (error: unknown): Promise<Reply> => this.#again(query, error, () => attempt() ?? nowhere())
    let answer: Answer | undefined
    try {
      answer = attempt()
    } catch (error) {
      if (!mayRepeat || !isBusy(error)) return fail(error)
      answer = again(error)
    }
    if (answer === undefined) {
      const { status, headers, body } = this.#nothing(query)
      return count({ status, headers, body, isElsewhere: true })
    }
    if (!(answer instanceof Promise)) return finish(answer)
    return (mayRepeat ? answer.catch(again) : answer).then(finish, fail)
  }

  #nothing(query: Query): Reply {
    const page = answerNoMap(this.context, query)
    return page === undefined ? this.failed(query, NOTHING) : this.#standard.finish(query, page, false)
  }

  #routed(query: Query, { methods, answer }: Found): Answer {
    const { method } = query
    if (method === 'OPTIONS') return this.#standard.options(query, methods)
    const isAllowed = method === 'GET' || method === 'HEAD' || method === 'POST'
    if (!isAllowed || !methods.includes(method)) throw notFor(method, methods)
    return answer()
  }

  #find(query: Query): Found | undefined {
    const { target, method } = query
    if (target === '*' && method === 'OPTIONS') {
      return { route: 'none', methods: 'GET, HEAD, POST, OPTIONS', isVersioned: never, answer: nothing }
    }
    const from = this.#begin(target)
    if (from < 0) return undefined
    const mark = target.indexOf('?', from)
    const path = target.slice(from, mark < 0 ? target.length : mark)
    const search = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1))
    const segments = path === '' ? [''] : path.slice(1).split('/').map(decode)
    const routed: Routed = { query, segments, search }
    for (const route of SERVER_ROUTES) {
      if (match(route.pattern, segments) === undefined) continue
      return foundOf(route, never, () => route.answer(this.context, routed))
    }
    const hasAlias = ALIASES.has(segments[0]!) && segments.length > 1
    return (
      (hasAlias ? this.#ofSource(routed, segments.slice(1)) : undefined) ?? this.#ofSource(routed, segments)
    )
  }

  #ofSource({ query, search }: Routed, segments: readonly string[]): Found | undefined {
    const { catalog } = this.context
    const [first = '', ...others] = segments
    const found = (route: (typeof SOURCE_ROUTES)[number], source: Source, rest: readonly string[]): Found =>
      foundOf(
        route,
        () => search.get('v') === source.version,
        () => route.answer(this.context, { query, segments, search, source, rest }),
      )
    const dot = first.lastIndexOf('.')
    if (others.length === 0 && dot > 0) {
      const extension = first.slice(dot + 1)
      const route = Object.hasOwn(FILE_ROUTES, extension) ? FILE_ROUTES[extension] : undefined
      const source = catalog.get(first.slice(0, dot))
      if (route !== undefined && source !== undefined) return found(route, source, [])
    }
    const source = catalog.get(first)
    if (source === undefined) return undefined
    for (const route of SOURCE_ROUTES) {
      const rest = match(route.pattern, others)
      if (rest !== undefined) return found(route, source, rest)
    }
    return undefined
  }

  /** Where the path begins behind the base path, -1 when it is not under it. */
  #begin(target: string): number {
    const { basePath } = this.context.options
    if (basePath === '') return target.startsWith('/') ? 0 : -1
    if (!target.startsWith(basePath)) return -1
    const next = target[basePath.length]
    return next === undefined || next === '/' || next === '?' ? basePath.length : -1
  }

  #counted(counts: RouteCounts, query: Query, reply: Reply, begun: number): Reply {
    const seconds = (performance.now() - begun) / 1000
    const { status, body } = reply
    const isSent = query.method !== 'HEAD' && body !== undefined
    const bytes = isSent ? (body instanceof Uint8Array ? body.length : lengthOf(reply)) : 0
    counts.add(status, bytes ?? 0, seconds)
    this.context.hooks.onAnswer?.(query, { route: counts.route, status, bytes, seconds })
    return reply
  }
}

const never = (): boolean => false
const nothing = (): Reply => ({ status: 204, headers: [], body: undefined })

function foundOf(route: Route<never>, isVersioned: () => boolean, answer: () => Answer): Found {
  const methods = route.methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return { route: route.name, methods: [...methods, 'OPTIONS'].join(', '), isVersioned, answer }
}

const notFor = (method: string, methods: string): HttpError =>
  new HttpError(405, `The method ${method.slice(0, 20)} is not allowed here.`, ['Allow', methods])

/** As announced; undefined for what has no length beforehand. */
function lengthOf({ headers }: Reply): number | undefined {
  const at = headers.indexOf('Content-Length')
  return at < 0 ? undefined : Number(headers[at + 1])
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new HttpError(400, 'The URL is not valid percent-encoded UTF-8.')
  }
}
