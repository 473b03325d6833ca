// The entry to the server for the library. Its modules are loaded when the first sources are opened, so that programs
// which only read or build files never load them.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { wrongType } from '../errors.js'
import { harmless, warn } from '../store/callbacks.js'
import type { NodeHandler } from './adapters/node-handler.js'
import type { ServerHooks } from './context.js'
import type { TileServer } from './handler.js'
import type { ServerOptions } from './options.js'
import type { ListeningServer } from './run/listen.js'
import type { ListenOptions } from './run/listen-options.js'
import type { SourceInput } from './sources/source.js'

/**
 * Opens files, folders, globs and open readers for serving; `node` and `fetch` of the result answer requests.
 * @throws BAD_OPTION when an option or a source's name is wrong
 * @throws NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED, SYSTEM when a file that was named cannot be
 * opened
 */
export async function openTileServer(
  sources: SourceInput | readonly SourceInput[],
  options: ServerOptions & ServerHooks = {},
): Promise<TileServer> {
  const { openTileServer: open } = await import('./handler.js')
  return open(sources, options)
}

/**
 * Serves on a port, with limits on clients, until it is closed (gracefully).
 * @throws BAD_OPTION when an option is wrong, or the certificate cannot be used
 * @throws NOT_FOUND when a file of the certificate is not there
 * @throws SYSTEM when the port is taken or may not be listened on
 */
export async function listen(server: TileServer, options: ListenOptions = {}): Promise<ListeningServer> {
  if (typeof (server as TileServer | undefined)?.node !== 'function')
    throw wrongType('server must be what openTileServer returned', server)
  const { listen: begin } = await import('./run/listen.js')
  return begin(server, options)
}

/** The sources, the options of the server, and its hooks. */
export interface FlagstoneHandlerOptions extends ServerOptions, ServerHooks {
  /** What is served: paths of files and folders, globs, open readers. */
  readonly sources: SourceInput | readonly SourceInput[]
}

/** A handler to mount in any server: `(req, res, next?)`, or `(Request) → Response`. */
export interface FlagstoneHandler {
  /** Answers a request of node:http, Express or Connect. */
  (...request: Parameters<NodeHandler>): void
  /** Answers a Request, as Hono and other frameworks use it. */
  (request: Request, ...more: unknown[]): Promise<Response>
  /**
   * Opens the sources, unless that has begun. If it fails, the next request tries again.
   * @throws as openTileServer
   */
  readonly ready: Promise<TileServer>
  /** Closes the sources; responses in progress keep theirs until they are complete. */
  close(): Promise<void>
  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a handler for Express, Connect, Koa, Hono or node:http. It opens the sources at the first request, or when
 * `ready` is read. If that fails, `next` gets the error; without `next`, `onError` gets it and the client gets a 503.
 * Without `onError` the process emits a warning. Invalid options fail in the same way.
 * @throws TypeError when `given` is not an object
 */
export function flagstoneHandler(given: FlagstoneHandlerOptions): FlagstoneHandler {
  if (typeof given !== 'object' || given === null)
    throw wrongType('the handler options must be { sources, … }', given)
  const { sources, ...options } = given
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
  const onError = harmless('onError', options.onError) ?? warnOfEach()
  const handler = (request: IncomingMessage | Request, ...more: unknown[]): Promise<Response> | undefined => {
    if (typeof (request as Request | undefined)?.headers !== 'object')
      throw wrongType('a handler takes a Request, or the request and response of node:http', request)
    if (isFetch(request)) {
      return open().then(
        ({ fetch }) => fetch(request),
        (error: unknown) => refuseFetch(request, error, onError),
      )
    }
    const [response, next] = more as [ServerResponse, Parameters<NodeHandler>[2]]
    if (server !== undefined) server.node(request, response, next)
    else {
      open().then(
        ({ node }) => node(request, response, next),
        (error: unknown) => {
          if (next !== undefined) next(error)
          else void refuse(request, response, error, onError)
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
  return Object.assign(handler, { close, [Symbol.asyncDispose]: close }) as FlagstoneHandler
}

/** Where nobody takes the errors: a warning, once for each reason in a row, however many requests fail. */
function warnOfEach(): (error: unknown) => void {
  let last: string | undefined
  return (error) => {
    const reason = String(error)
    if (reason !== last) warn('flagstoneHandler cannot open its sources', error)
    last = reason
  }
}

const NOT_OPEN = `${JSON.stringify({ error: 'The tiles cannot be opened now; see the log of the server.' })}\n`
const NOT_OPEN_HEADERS = {
  'Content-Type': 'application/json',
  'Content-Length': `${Buffer.byteLength(NOT_OPEN)}`,
  'Cache-Control': 'no-store',
  'Retry-After': '5',
}

/** The response while no sources are open. */
async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  onError: NonNullable<ServerHooks['onError']>,
): Promise<void> {
  const { NodeQuery } = await import('./adapters/node-handler.js')
  onError(error, new NodeQuery(request, response))
  response.writeHead(503, NOT_OPEN_HEADERS)
  response.end(NOT_OPEN)
}

/** The same for a Request. */
async function refuseFetch(
  request: Request,
  error: unknown,
  onError: NonNullable<ServerHooks['onError']>,
): Promise<Response> {
  const { FetchQuery } = await import('./adapters/fetch-handler.js')
  onError(error, new FetchQuery(request))
  return new Response(NOT_OPEN, { status: 503, headers: NOT_OPEN_HEADERS })
}

const isFetch = (request: IncomingMessage | Request): request is Request =>
  typeof (request.headers as Headers).get === 'function'
