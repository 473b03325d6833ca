// The server as a library: sources and options in, handlers out.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseOptions } from '../store/options.js'
import { ByteCache } from './byte-cache.js'
import { openCatalog } from './catalog.js'
import type { ServerContext, ServerHooks } from './context.js'
import { Core } from './core.js'
import { type FetchHandler, fetchHandler } from './fetch-handler.js'
import { Life } from './life.js'
import { Metrics } from './metrics.js'
import { type NodeHandler, nodeHandler } from './node-handler.js'
import { type ServerOptions, serverOptions } from './options.js'
import type { SourceInput } from './source.js'
import { WorkQueue } from './work-queue.js'

export interface TileServer {
  readonly core: Core
  readonly context: ServerContext
  /** For node:http, Express and Connect. */
  readonly node: NodeHandler
  readonly fetch: FetchHandler
  /** Closes the sources; answers that are under way keep theirs until they are done. */
  close(): Promise<void>
}

/** Rejects with FlagstoneError BAD_OPTION, and what opening the sources throws. */
export async function openTileServer(
  sources: SourceInput | readonly SourceInput[],
  { onError, onAnswer, otherMetrics, ...options }: ServerOptions & ServerHooks = {},
): Promise<TileServer> {
  const resolved = parseOptions(serverOptions, options, 'server option')
  const inputs = (Array.isArray(sources) ? sources : [sources]) as readonly SourceInput[]
  const catalog = await openCatalog(inputs, resolved)
  const context: ServerContext = {
    options: resolved,
    catalog,
    work: new WorkQueue(resolved.limits),
    cache: new ByteCache(resolved.limits.cacheBytes),
    metrics: new Metrics(),
    life: new Life(),
    hooks: { onError, onAnswer, otherMetrics },
  }
  const core = new Core(context)
  return {
    core,
    context,
    node: nodeHandler(core),
    fetch: fetchHandler(core),
    close: async () => catalog.close(),
  }
}

export interface FlagstoneHandlerOptions extends ServerOptions, ServerHooks {
  readonly sources: SourceInput | readonly SourceInput[]
}

/** What serves, to be mounted anywhere: `(req, res, next?)`, or `(Request) → Response`. */
export interface FlagstoneHandler {
  (...request: Parameters<NodeHandler>): void
  (request: Request, ...more: unknown[]): Promise<Response>
  /** Opens the sources, if that was not begun. Rejects as openTileServer does; the next request then tries again. */
  readonly ready: Promise<TileServer>
  close(): Promise<void>
}

/** Opens the sources at the first request, or when `ready` is asked for. */
export function flagstoneHandler({ sources, ...options }: FlagstoneHandlerOptions): FlagstoneHandler {
  let opening: Promise<TileServer> | undefined
  let server: TileServer | undefined
  const open = (): Promise<TileServer> => {
    opening ??= openTileServer(sources, options).then(
      (opened) => {
        server = opened
        return opened
      },
      (error: unknown) => {
        opening = undefined
        throw error
      },
    )
    return opening
  }
  const handler = (request: IncomingMessage | Request, ...more: unknown[]): Promise<Response> | undefined => {
    if (isFetch(request)) return open().then(({ fetch }) => fetch(request))
    const [response, next] = more as [ServerResponse, Parameters<NodeHandler>[2]]
    if (server !== undefined) server.node(request, response, next)
    else {
      open().then(
        ({ node }) => node(request, response, next),
        (error: unknown) => {
          if (next !== undefined) next(error)
          else response.writeHead(503, { 'Retry-After': '5' }).end()
        },
      )
    }
    return undefined
  }
  Object.defineProperty(handler, 'ready', { get: open })
  const close = async (): Promise<void> => {
    const opened = await opening?.catch(() => undefined)
    await opened?.close()
  }
  return Object.assign(handler, { close }) as FlagstoneHandler
}

const isFetch = (request: IncomingMessage | Request): request is Request =>
  typeof (request.headers as Headers).get === 'function'
