// The server as a library: sources and options in, handlers out.
import { wrongType } from '../errors.js'
import { harmless } from '../store/callbacks.js'
import { parseOptions } from '../store/options.js'
import { type FetchHandler, fetchHandler } from './adapters/fetch-handler.js'
import { type NodeHandler, nodeHandler } from './adapters/node-handler.js'
import type { ServerContext, ServerHooks } from './context.js'
import { Core } from './core.js'
import { describeEarly, describeLater } from './describe/many.js'
import { Life } from './life.js'
import { Metrics } from './metrics/metrics.js'
import { type ResolvedServerOptions, type ServerOptions, serverHooks, serverOptions } from './options.js'
import { openCatalog } from './sources/catalog.js'
import type { SourceInput } from './sources/source.js'
import { ByteCache } from './work/byte-cache.js'
import { WorkQueue } from './work/work-queue.js'

/** Opened sources, and what answers requests for them. */
export interface TileServer {
  /** Answers requests of node:http, Express and Connect. */
  readonly node: NodeHandler
  /** Answers requests of what speaks Request and Response: Hono, Bun, Deno, service workers. */
  readonly fetch: FetchHandler
  /** Closes the sources; answers that are under way keep theirs until they are done. */
  close(): Promise<void>
  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

interface Inside {
  readonly core: Core
  readonly context: ServerContext
}

/** The internals of each server; callers see only what TileServer declares. */
const insides = new WeakMap<TileServer, Inside>()

/** @throws TypeError when openTileServer did not make it */
export function insideOf(server: TileServer): Inside {
  const inside = insides.get(server)
  if (inside === undefined) throw wrongType('server must be what openTileServer returned', server)
  return inside
}

/**
 * @throws BAD_OPTION
 * @throws as openCatalog
 */
export async function openTileServer(
  sources: SourceInput | readonly SourceInput[],
  options: ServerOptions & ServerHooks = {},
): Promise<TileServer> {
  const { resolved, hooks } = parseServerOptions(options)
  const inputs = (Array.isArray(sources) ? sources : [sources]) as readonly SourceInput[]
  const catalog = await openCatalog(inputs, resolved, { opened: describeEarly, happened: hooks.onSource })
  const context: ServerContext = {
    options: resolved,
    catalog,
    work: new WorkQueue(resolved.limits),
    cache: new ByteCache(resolved.limits.cacheBytes),
    metrics: new Metrics(),
    life: new Life(),
    hooks,
  }
  const core = new Core(context)
  let isClosed = false
  const close = async (): Promise<void> => {
    isClosed = true
    catalog.close()
  }
  void describeLater(catalog, () => isClosed)
  const server = { node: nodeHandler(core), fetch: fetchHandler(core), close, [Symbol.asyncDispose]: close }
  insides.set(server, { core, context })
  return server
}

/** Hooks and options apart, both checked. @throws TypeError, RangeError */
function parseServerOptions(given: unknown): {
  readonly resolved: ResolvedServerOptions
  readonly hooks: ServerHooks
} {
  if (given !== undefined && (typeof given !== 'object' || given === null))
    throw wrongType('server options must be an object', given)
  const { onError, onAnswer, onSource, otherMetrics, ...options } = (given ?? {}) as ServerOptions &
    ServerHooks
  parseOptions(serverHooks, { onError, onAnswer, onSource, otherMetrics }, 'server option')
  const hooks = {
    onError: harmless('onError', onError),
    onAnswer: harmless('onAnswer', onAnswer),
    onSource: harmless('onSource', onSource),
    otherMetrics,
  }
  return { resolved: parseOptions(serverOptions, options, 'server option'), hooks }
}
