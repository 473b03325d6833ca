// `flagstone serve FILE|DIR…`: a map server until it is told to stop.
import { existsSync } from 'node:fs'
import { basename, extname } from 'node:path'
import type { Command } from 'commander'
import { FlagstoneError } from '../../errors.js'
import type { ServerOptions } from '../../server/options.js'
import type { ListenOptions, LogLevel } from '../../server/run/listen-options.js'
import type { Running, ServeJob, ServeState } from '../../server/run/serve.js'
import type { SourceInput } from '../../server/sources/source.js'
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
  readonly allowedHosts?: readonly string[]
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
    const workers = options.workers ?? 1
    const job: ServeJob = {
      sources: sourcesOf(paths, options.missing),
      server: serverOptionsOf(options, workers),
      listen: listenOptionsOf(options),
      log: options.log,
    }
    const starting = workers > 1 ? serveByWorkers(io, workers, job, options) : serveHere(io, job)
    // before the address is printed: a signal without a listener ends the process
    io.onHangup?.(() => {
      void starting
        .then((running) => running.reload())
        .catch((error: Error) => say(io, options, `Not reloaded: ${error.message}`))
    })
    const running = await starting.catch(async (error: unknown) => {
      const { whatItIs } = await import('../tile-files.js')
      throw await whatItIs(error instanceof FlagstoneError ? error.path : undefined, error)
    })
    announce(io, options, running)
    io.onForcedStop?.(() => say(io, options, 'Stopped; open requests were cut off.'))
    try {
      await Promise.race([aborted(io.signal), running.failed])
      say(io, options, 'Finishing open requests; press Ctrl-C again to stop now.')
    } finally {
      await running.close()
    }
  })
}

async function serveHere(io: Io, job: ServeJob): Promise<Running> {
  // loaded here: other commands need no server
  const { serve } = await import('../../server/run/serve.js')
  return await serve(job, io.stderr)
}

async function serveByWorkers(
  io: Io,
  workers: number,
  job: ServeJob,
  options: ServeOptions,
): Promise<Running> {
  const { supervise } = await import('../../server/run/supervisor.js')
  return await supervise(workers, job, (sentence) => say(io, options, sentence))
}

function announce(io: Io, options: ServeOptions, { url, port, sources, problems }: ServeState): void {
  for (const { path, message } of problems) {
    say(io, options, `Skipped: ${message.includes(path) ? '' : `${path}: `}${message}`)
  }
  if (options.json === true) {
    // one line: programs read to its end while the server runs
    print(io, JSON.stringify({ url, port, sources }))
    return
  }
  const shown = sources.slice(0, 5).join(', ')
  const more = sources.length > 5 ? ` and ${sources.length - 5} more` : ''
  say(
    io,
    options,
    sources.length === 0 ? 'Nothing to serve yet.' : `Serving ${shown}${more}; press Ctrl-C to stop.`,
  )
  print(io, url)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** 'path' or 'id=path'; an existing file with a '=' in its name is a path. */
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
      `--missing ${id}=${byId[id]}: no source has the id ${id}; give a file that id with flagstone serve ${id}=FILE.`,
    )
  }
  return sources
}

function serverOptionsOf(o: ServeOptions, workers: number): ServerOptions {
  const cacheMb = o.cacheMb ?? (workers > 1 ? 128 : undefined)
  return {
    missing: o.missing?.all,
    cors: o.cors === false ? [] : o.cors === true ? undefined : (o.cors as string[] | undefined),
    publicUrl: o.publicUrl,
    basePath: o.basePath,
    trustProxy: o.trustProxy,
    allowedHosts: o.allowedHosts as string[] | undefined,
    cacheControl: o.cacheControl,
    transcode: o.transcode,
    watch: o.watch,
    limits: {
      pixels: o.maxPixels,
      jobs: o.maxJobs,
      waiting: o.maxWaiting,
      jobMs: o.maxSeconds === undefined ? undefined : Math.ceil(o.maxSeconds * 1000),
      cacheBytes: cacheMb === undefined ? undefined : Math.floor((cacheMb * 1024 * 1024) / workers),
      points: o.maxPoints,
      bodyBytes: o.maxBody,
    },
  }
}

function listenOptionsOf(o: ServeOptions): ListenOptions {
  if ((o.tlsCert === undefined) !== (o.tlsKey === undefined)) {
    throw new FlagstoneError('BAD_OPTION', 'HTTPS needs both --tls-cert and --tls-key.')
  }
  return {
    host: o.host,
    port: o.port,
    tls: o.tlsCert === undefined ? undefined : { cert: o.tlsCert, key: o.tlsKey! },
    connections: o.maxConnections,
  }
}
