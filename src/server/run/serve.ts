// A server as a command runs it: sources, options and log in one piece of plain data, so that it can be handed to
// another process.
import type { ServerHooks } from '../context.js'
import { insideOf, openTileServer, type TileServer } from '../handler.js'
import { LOOPBACK_HOSTS } from '../http/allowed-hosts.js'
import type { ServerOptions } from '../options.js'
import type { SourceInput } from '../sources/source.js'
import type { LogSink } from './bounded-sink.js'
import { listen } from './listen.js'
import type { ListenOptions, LogLevel } from './listen-options.js'
import { requestLog } from './request-log.js'

export interface ServeJob {
  /** By path: open readers cannot be handed over. */
  readonly sources: readonly SourceInput[]
  readonly server: ServerOptions
  readonly listen: ListenOptions
  readonly log: LogLevel | undefined
}

/** What a server says of itself when it listens. */
export interface ServeState {
  readonly url: string
  readonly port: number
  readonly sources: readonly string[]
  readonly problems: readonly { readonly path: string; readonly message: string }[]
}

/** A server that runs, in this process or in several. */
export interface Running extends ServeState {
  /** A FlagstoneError ends it when it cannot go on. */
  readonly failed: Promise<never>
  /** Certificates are read again; several processes are replaced one by one. Rejects when it could not, and goes on as it was. */
  reload(): Promise<void>
  /** Finishes what is under way. */
  close(): Promise<void>
}

/** … in this process. */
export interface RunningHere extends Running {
  readonly server: TileServer
  /** Accepts no new connections. */
  stopAccepting(): Promise<void>
}

/** @throws as openTileServer and listen */
export async function serve(job: ServeJob, log: LogSink, hooks: ServerHooks = {}): Promise<RunningHere> {
  const logging = requestLog(log, job.log, { trustProxy: job.server.trustProxy === true })
  const allowedHosts = allowedHostsOf(job)
  const server = await openTileServer(job.sources, { ...job.server, allowedHosts, ...logging, ...hooks })
  const listening = await listen(server, job.listen).catch(async (error: unknown) => {
    await server.close()
    throw error
  })
  const { catalog } = insideOf(server).context
  return {
    server,
    url: listening.url,
    port: listening.port,
    sources: catalog.list().map((source) => source.id),
    problems: catalog.problems(),
    failed: new Promise(() => {}),
    reload: async () => listening.reload(),
    stopAccepting: () => listening.stopAccepting(),
    close: () => listening.close(),
  }
}

/**
 * Who says which sites' pages may read the answers means the others too that DNS rebinding would let in: on this machine
 * alone, and not behind a proxy, the names that a browser has for it are known.
 */
function allowedHostsOf({ server, listen }: ServeJob): readonly string[] | undefined {
  const { allowedHosts, cors = ['*'], trustProxy = false, publicUrl } = server
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(listen.host ?? '127.0.0.1')
  const isGuarded = isLocal && !cors.includes('*') && !trustProxy && publicUrl === undefined
  return allowedHosts ?? (isGuarded ? [...LOOPBACK_HOSTS, listen.host ?? '127.0.0.1'] : undefined)
}
