// `flagstone serve FILE|DIR…`: a map server until it is told to stop.
import { existsSync } from 'node:fs'
import { basename, extname } from 'node:path'
import type { Command } from 'commander'
import { FlagstoneError } from '../../errors.js'
import type { ListenOptions, LogLevel } from '../../server/listen-options.js'
import type { ServerOptions } from '../../server/options.js'
import type { SourceInput } from '../../server/source.js'
import { type CommonOptions, type Context, type Io, print, say } from '../io.js'
import { defineServe, type Missing } from './serve-options.js'

interface ServeOptions extends CommonOptions {
  readonly port?: number
  readonly host?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly workers?: number
  readonly log?: LogLevel
  readonly missing?: Missing
  readonly transcode?: boolean
  /** false: --no-cors; true is commander's default for it. */
  readonly cors?: readonly string[] | boolean
  readonly cacheControl?: string
  readonly watch?: boolean
  readonly publicUrl?: string
  readonly basePath?: string
  readonly trustProxy?: boolean
  readonly cacheMb?: number
  readonly maxPixels?: number
  readonly maxPoints?: number
  readonly maxBody?: number
  readonly maxJobs?: number
  readonly maxWaiting?: number
  readonly maxSeconds?: number
  readonly maxConnections?: number
}

export function serveCommand({ io }: Context): Command {
  return defineServe().action(async (paths: string[], options: ServeOptions) => {
    await serveHere(io, sourcesOf(paths, options.missing), options)
  })
}

async function serveHere(io: Io, sources: readonly SourceInput[], options: ServeOptions): Promise<void> {
  // loaded here: other commands need no server
  const [{ openTileServer }, { listen }, { requestLog }] = await Promise.all([
    import('../../server/handler.js'),
    import('../../server/listen.js'),
    import('../../server/request-log.js'),
  ])
  const hooks = requestLog(io.stderr, options.log, { trustProxy: options.trustProxy === true })
  const server = await openTileServer(sources, { ...serverOptionsOf(options), ...hooks })
  const listening = await listen(server, listenOptionsOf(options)).catch(async (error: unknown) => {
    await server.close()
    throw error
  })
  const { catalog } = server.context
  for (const { path, message } of catalog.problems()) say(io, options, `Left out: ${path}: ${message}`)
  announce(io, options, {
    url: listening.url,
    port: listening.port,
    sources: catalog.list().map((s) => s.id),
  })
  await aborted(io.signal)
  say(io, options, 'Finishing what is under way; once more to stop at once.')
  await listening.close()
}

function announce(
  io: Io,
  options: ServeOptions,
  { url, port, sources }: { url: string; port: number; sources: readonly string[] },
): void {
  if (options.json === true) {
    // one line: programs read until its end while we go on
    print(io, JSON.stringify({ url, port, sources }))
    return
  }
  const shown = sources.slice(0, 5).join(', ')
  const more = sources.length > 5 ? ` and ${sources.length - 5} more` : ''
  say(io, options, sources.length === 0 ? 'Nothing to serve yet.' : `Serving ${shown}${more}; Ctrl-C stops.`)
  print(io, url)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** 'path' or 'id=path'; a file whose own name has a '=' is meant itself. */
function sourcesOf(paths: readonly string[], { byId }: Missing = { byId: {} }): SourceInput[] {
  const unused = new Set(Object.keys(byId))
  const sources = paths.map((text): SourceInput => {
    const named = existsSync(text) ? null : /^([^/\\=]+)=(.+)$/s.exec(text)
    const [, id, path] = named ?? [text, undefined, text]
    const name = id ?? basename(text, extname(text))
    unused.delete(name)
    return { id, path, missing: byId[name] }
  })
  for (const id of unused) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `--missing ${id}=${byId[id]}: no source is called ${id}; name the file before, flagstone serve ${id}=FILE.`,
    )
  }
  return sources
}

function serverOptionsOf(o: ServeOptions): ServerOptions {
  return {
    missing: o.missing?.all,
    cors: o.cors === false ? [] : o.cors === true ? undefined : (o.cors as string[] | undefined),
    publicUrl: o.publicUrl,
    basePath: o.basePath,
    trustProxy: o.trustProxy,
    cacheControl: o.cacheControl,
    transcode: o.transcode,
    watch: o.watch,
    limits: {
      pixels: o.maxPixels,
      jobs: o.maxJobs,
      waiting: o.maxWaiting,
      jobMs: o.maxSeconds === undefined ? undefined : Math.ceil(o.maxSeconds * 1000),
      cacheBytes: o.cacheMb === undefined ? undefined : o.cacheMb * 1024 * 1024,
      points: o.maxPoints,
      bodyBytes: o.maxBody,
    },
  }
}

function listenOptionsOf(o: ServeOptions): ListenOptions {
  if ((o.tlsCert === undefined) !== (o.tlsKey === undefined)) {
    throw new FlagstoneError('BAD_OPTION', 'https wants both --tls-cert and --tls-key.')
  }
  return {
    host: o.host,
    port: o.port,
    tls: o.tlsCert === undefined ? undefined : { cert: o.tlsCert, key: o.tlsKey! },
    connections: o.maxConnections,
  }
}
