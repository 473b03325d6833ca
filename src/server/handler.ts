// The server as a library: sources and options in, handlers out.

import { parseOptions } from '../store/options.js'
import { ByteCache } from './byte-cache.js'
import { openCatalog } from './catalog.js'
import { Core } from './core.js'
import { Metrics } from './metrics.js'
import { type ServerOptions, serverOptions } from './options.js'
import { WorkQueue } from './work-queue.js'

export interface TileServer {
  readonly core: Core
  close(): void
}

/** Throws FlagstoneError BAD_OPTION, and what opening the sources throws. */
export function openTileServer(sources: readonly string[], options: ServerOptions = {}): TileServer {
  const resolved = parseOptions(serverOptions, options, 'server option')
  const catalog = openCatalog(sources)
  const core = new Core({
    options: resolved,
    catalog,
    work: new WorkQueue(resolved.limits),
    cache: new ByteCache(resolved.limits.cacheBytes),
    metrics: new Metrics(),
  })
  return { core, close: () => catalog.close() }
}
