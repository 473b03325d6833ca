// The core behind node:http, Express and Connect: `(req, res)`, or `(req, res, next)`.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Core } from '../core.js'
import { HttpError, type Query, type Reply } from '../http/message.js'
import { readBody } from '../http/request-body.js'
import { writeReply } from '../http/write-reply.js'

/** What Express and Connect add where they mount a handler: `url` is then without the part that was matched. */
interface MountedRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly originalUrl?: string
}

export class NodeQuery implements Query {
  readonly method: string
  readonly target: string
  readonly mountPath: string | undefined
  readonly isBare: boolean
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  /** Of 'http://host/path': it counts, whatever Host says (RFC 9112, 3.2.2). */
  readonly #authority: string | undefined
  #gone: AbortController | undefined

  /** `target` is what is behind `mountPath`: '' or '?a' of the mount's own address. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    target = request.url ?? '/',
    mountPath?: string,
  ) {
    this.#request = request
    this.#response = response
    this.method = request.method ?? 'GET'
    if (target.charCodeAt(0) === 47) this.target = target
    else {
      const { path, authority } = originForm(target)
      this.target = path
      this.#authority = authority
    }
    this.mountPath = mountPath
    this.isBare = target === '' || target.charCodeAt(0) === 63
  }

  header(name: string): string | undefined {
    if (this.#authority !== undefined && name === 'host') return this.#authority
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket.remoteAddress
  }

  get isSecure(): boolean {
    return (this.#request.socket as TLSSocket).encrypted === true
  }

  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      const gone = new AbortController()
      this.#gone = gone
      if (this.#response.destroyed) gone.abort()
      this.#response.once('close', () => {
        if (!this.#response.writableFinished) gone.abort()
      })
    }
    return this.#gone.signal
  }

  body(limitBytes: number): Promise<Uint8Array> {
    return readBody(this.#request, limitBytes)
  }
}

/** With `next`, requests for other paths are passed on. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

export function nodeHandler(core: Core): NodeHandler {
  const write = (query: Query, reply: Reply, response: ServerResponse): void => {
    const failed = (error: unknown): void => {
      if (response.headersSent || response.destroyed) {
        core.report(query, error)
        response.destroy()
      } else void writeReply(query.method, core.failed(query, error), response)
    }
    try {
      writeReply(query.method, reply, response)?.catch(failed)
    } catch (error) {
      // Node refuses headers with invalid characters
      failed(error)
    }
  }
  return (request, response, next) => {
    // Node's parser stops behind a body that came with Upgrade: what follows on the connection may be lost.
    if (request.headers.upgrade !== undefined && hasBody(request)) response.shouldKeepAlive = false
    const mountPath = mountPathOf(request)
    const query = new NodeQuery(request, response, targetOf(request, mountPath), mountPath)
    const answer =
      hostsOf(request) > 1 ? core.failed(query, new HttpError(400, TWO_HOSTS)) : core.answer(query)
    const finish = (reply: Reply): void => {
      if (next !== undefined && reply.isElsewhere === true) next()
      else write(query, reply, response)
    }
    if (answer instanceof Promise) void answer.then(finish)
    else finish(answer)
  }
}

/** RFC 9112, 3.2; a proxy may have gone by the one, and we by the other. */
const TWO_HOSTS = 'A request must have exactly one Host header.'

/** Node keeps the first and drops the others. */
function hostsOf({ rawHeaders }: IncomingMessage): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0

function mountPathOf({ url = '', baseUrl, originalUrl }: MountedRequest): string | undefined {
  if (baseUrl !== undefined) return baseUrl
  if (originalUrl === undefined || originalUrl === url) return undefined
  if (originalUrl.endsWith(url)) return originalUrl.slice(0, originalUrl.length - url.length)
  // Connect makes '/?a' of '/maps?a' that is mounted at '/maps'
  const rest = url.slice(1)
  return originalUrl.endsWith(rest) ? originalUrl.slice(0, originalUrl.length - rest.length) : undefined
}

/** Express and Connect write a slash behind a mount's own address, which the client did not. */
function targetOf({ url = '', originalUrl }: MountedRequest, mountPath: string | undefined): string {
  if (mountPath === undefined || mountPath === '') return url
  return originalUrl === mountPath || originalUrl?.startsWith(`${mountPath}?`) === true ? url.slice(1) : url
}

/** Of 'http://host/path', as proxies are asked, and of what is left of a mount point's own address. '*' is left alone. */
function originForm(url: string): { path: string; authority?: string | undefined } {
  if (url === '' || url.startsWith('?')) return { path: `/${url}` }
  const scheme = /^https?:\/\/([^/?#]*)/i.exec(url)
  if (scheme === null) return { path: url }
  const rest = url.slice(scheme[0].length)
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority: scheme[1] }
}
