// The core behind anything that speaks Request and Response: `(Request) → Response`.
import type { Core } from '../core.js'
import { HttpError, type Query, type Reply } from '../http/message.js'

/** Answers a Request. Never rejects: whatever goes wrong is a Response. */
export type FetchHandler = (request: Request) => Promise<Response>

export class FetchQuery implements Query {
  readonly method: string
  readonly target: string
  readonly remoteAddress = undefined
  readonly isSecure: boolean
  readonly #request: Request
  /** A Request has it in its URL. */
  readonly #host: string

  constructor(request: Request) {
    this.#request = request
    this.method = request.method.toUpperCase()
    const { url } = request
    const authority = url.indexOf('://') + 3
    const path = url.indexOf('/', authority)
    this.#host = url.slice(authority, path < 0 ? url.length : path)
    const fragment = url.indexOf('#')
    this.target = path < 0 ? '/' : url.slice(path, fragment < 0 ? url.length : fragment)
    this.isSecure = url.startsWith('https:')
  }

  header(name: string): string | undefined {
    // HTTP/2's, which Headers would not hear of
    if (name.startsWith(':')) return undefined
    return this.#request.headers.get(name) ?? (name === 'host' ? this.#host : undefined)
  }

  get signal(): AbortSignal {
    return this.#request.signal
  }

  async body(limitBytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    let length = 0
    const reader = this.#request.body?.getReader()
    if (reader === undefined) return new Uint8Array(0)
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw new HttpError(400, 'The request body was cut off.')
      })
      if (done) return Buffer.concat(chunks)
      length += value.length
      if (length > limitBytes) {
        await reader.cancel()
        throw new HttpError(413, `The request body is over the limit of ${limitBytes} bytes.`)
      }
      chunks.push(value)
    }
  }
}

export function fetchHandler(core: Core): FetchHandler {
  return async (request) => {
    const query = new FetchQuery(request)
    return responseOf(query, await core.answer(query))
  }
}

function responseOf({ method }: Query, { status, headers, body }: Reply): Response {
  const fields = new Headers()
  for (let i = 0; i < headers.length; i += 2) fields.append(headers[i]!, headers[i + 1]!)
  const isSent = method !== 'HEAD' && body !== undefined
  // a Response copies bytes, so that views of a mapping are safe; a stream that is cancelled is told so
  const content = !isSent ? null : body instanceof Uint8Array ? body : ReadableStream.from(body)
  return new Response(content, { status, headers: fields })
}
