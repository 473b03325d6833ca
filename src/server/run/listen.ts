// A tile server on a port: node's HTTP server with limits on what a client may hold, and an end that drops nothing.
//
// Node's parser is left strict, and its own answers to what is not HTTP (400, 408, 431, and the connection is closed)
// are left as they are: it knows whether an answer is under way on that connection.
import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, createServer as createNetServer, type Server as NetServer } from 'node:net'
import { FlagstoneError } from '../../errors.js'
import { freeDescriptors } from '../../platform/descriptors.js'
import { parseOptions } from '../../store/options.js'
import type { ServerContext } from '../context.js'
import { insideOf, type TileServer } from '../handler.js'
import { Drain } from './drain.js'
import { type ListenOptions, listenOptions, type ResolvedListenOptions } from './listen-options.js'
import { readTlsFiles } from './tls-files.js'

/** A tile server that listens on a port. */
export interface ListeningServer {
  /** To open in a browser on this machine: 'http://127.0.0.1:8080/maps/'. */
  readonly url: string
  /** The one it listens on, where 0 was asked for too. */
  readonly port: number
  /**
   * Reads the TLS files again; new connections get the new certificate. When it throws, the old one stays.
   * @throws as listen
   */
  reload(): void
  /** Accepts no new connections; those that are open go on. */
  stopAccepting(): Promise<void>
  /** Stops accepting, finishes the answers under way (for `shutdownMs` at most), closes the sources. */
  close(): Promise<void>
  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Serves on a port until closed.
 * @throws SYSTEM when the port is taken, privileged or not ours
 * @throws NOT_FOUND when a TLS file is not there
 * @throws BAD_OPTION
 */
export async function listen(server: TileServer, options: ListenOptions = {}): Promise<ListeningServer> {
  const resolved = parseOptions(listenOptions, options, 'listen option')
  const { context } = insideOf(server)
  const { options: served, life } = context
  const http = httpServer(resolved, served.limits.jobMs)
  http.maxConnections = Math.min(resolved.connections, connectionsThatFit(context))
  const drain = new Drain(http)
  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    drain.note(response)
    if (request.rawHeaders.length > 2 * resolved.headers) refuse(response, resolved.headers)
    else server.node(request, response)
  })
  await begin(http, resolved)
  // Later errors are of connections that could not be accepted (no file descriptor left, say): the others go on.
  http.on('error', () => {})
  const { port } = http.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    life.isClosing = true
    closing ??= drain.close(resolved.shutdownMs).then(() => server.close())
    return closing
  }
  return {
    port,
    url: urlOf(resolved, port, served.basePath),
    reload() {
      if (resolved.tls !== undefined) (http as HttpsServer).setSecureContext(readTlsFiles(resolved.tls))
    },
    stopAccepting: () => drain.stopAccepting(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function httpServer(options: ResolvedListenOptions, jobMs: number): HttpServer | HttpsServer {
  const settings = {
    maxHeaderSize: options.headerBytes,
    headersTimeout: options.headersMs,
    // node wants it to be no shorter than that of the headers
    requestTimeout: Math.max(options.requestMs, options.headersMs),
    keepAliveTimeout: options.keepAliveMs,
    connectionsCheckingInterval: Math.min(1000, options.headersMs),
    noDelay: true,
  }
  const http =
    options.tls === undefined
      ? createServer(settings)
      : createTlsServer({
          ...settings,
          ...readTlsFiles(options.tls),
          handshakeTimeout: options.headersMs,
          ALPNProtocols: ['http/1.1'],
        })
  // Of a silent socket: a client that stopped reading, so it must not fire while we compute. While something waits to be
  // written node lets it pass once more, so such a client goes after twice as long.
  http.timeout = options.stallMs + jobMs
  return http
}

/** Descriptors for folders that are looked into, certificates that are read again, and what Node.js opens itself. */
const SPARE_DESCRIPTORS = 12

/** Clients must not take the descriptors that the files need. */
function connectionsThatFit({ catalog, options }: ServerContext): number {
  const room = freeDescriptors() + catalog.openFiles
  const files = Math.min(options.openFiles, Math.floor(room / 2))
  return Math.max(1, room - files - SPARE_DESCRIPTORS)
}

/** Node would leave out the headers over its own limit without a word. */
function refuse(response: ServerResponse, headers: number): void {
  const body = `${JSON.stringify({ error: `A request may have at most ${headers} headers.` })}\n`
  response.writeHead(431, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  })
  response.end(body)
}

/** The port, or one that is free for 0, when it may be listened on. @throws as listen */
export async function freePort(host: string, port: number): Promise<number> {
  const probe = createNetServer()
  await begin(probe, { host, port })
  const { port: found } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return found
}

async function begin(server: NetServer, { host, port }: { host: string; port: number }): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw cannotListen(cause as NodeJS.ErrnoException, host, port)
  }
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number): FlagstoneError {
  const { code: errno } = cause
  const details = { errno, call: 'listen', cause }
  const sentence = {
    EADDRINUSE: `Port ${port} of ${host} is in use: stop the program that uses it, or choose another with --port (0: any free port).`,
    EACCES: `Port ${port} needs more rights than this user has: choose one from 1024 up with --port, or use setcap cap_net_bind_service or a reverse proxy.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: use --host 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses.`,
    ENOTFOUND: `The host '${host}' was not found: use --host 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses.`,
    EAI_AGAIN: `The name '${host}' could not be resolved: use an address, such as --host 127.0.0.1.`,
  }[errno ?? '']
  return new FlagstoneError(
    'SYSTEM',
    sentence ?? `Cannot listen on ${host}:${port}: ${cause.message}.`,
    details,
  )
}

function urlOf({ host, tls }: ResolvedListenOptions, port: number, basePath: string): string {
  const scheme = tls === undefined ? 'http' : 'https'
  // those that mean every address are none that a browser opens
  const isAll = host === '0.0.0.0' || host === '::'
  const name = isAll ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const isDefault = port === (tls === undefined ? 80 : 443)
  return `${scheme}://${name}${isDefault ? '' : `:${port}`}${basePath}/`
}
