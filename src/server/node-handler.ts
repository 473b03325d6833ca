// The core behind node:http, Express and Connect: `(req, res)`.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Core } from './core.js'
import { HttpError, type Query, type Reply } from './message.js'

class NodeQuery implements Query {
  readonly method: string
  readonly target: string
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #gone: AbortController | undefined

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
    this.method = request.method ?? 'GET'
    this.target = request.url ?? '/'
  }

  header(name: string): string | undefined {
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
      this.#response.once('close', () => {
        if (!this.#response.writableFinished) gone.abort()
      })
    }
    return this.#gone.signal
  }

  async body(limitBytes: number): Promise<Uint8Array> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of this.#request as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > limitBytes) {
        throw new HttpError(413, `The request's body is over the limit of ${limitBytes} bytes.`)
      }
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void

export function nodeHandler(core: Core): NodeHandler {
  return (request, response) => {
    const query = new NodeQuery(request, response)
    const answer = core.answer(query)
    if (answer instanceof Promise) void answer.then((reply) => write(query, reply, response))
    else void write(query, answer, response)
  }
}

async function write({ method }: Query, reply: Reply, response: ServerResponse): Promise<void> {
  const { body } = reply
  response.writeHead(reply.status, reply.headers as string[])
  if (body === undefined || method === 'HEAD') response.end()
  else if (body instanceof Uint8Array) response.end(body)
  else {
    for await (const chunk of body) {
      if (response.destroyed) break
      if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve))
    }
    response.end()
  }
}
