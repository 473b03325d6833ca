// An HTTP server of this process for tests of remote sources: serves bytes by range, counts what is asked for,
// and can be told to misbehave.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  readonly path: string
  readonly start: number
  readonly end: number
}

/** Handles a request itself and returns true, or leaves it to the server. `count` from 1. */
export type Trouble = (
  request: IncomingMessage,
  response: ServerResponse,
  count: number,
) => boolean | Promise<boolean>

export class RangeServer {
  readonly files = new Map<string, Uint8Array>()
  readonly asked: Asked[] = []
  trouble: Trouble | undefined
  etag: string | undefined = '"one"'
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<RangeServer> {
    const server = createServer((request, response) => {
      void self.#answer(request, response).catch((error) => response.destroy(error as Error))
    })
    const self = new RangeServer(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return self
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url!.replace(/\?.*/, '')
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    this.asked.push({ path, start: Number(range?.[1] ?? 0), end: Number(range?.[2] ?? -1) + 1 })
    if (await this.trouble?.(request, response, this.asked.length)) return
    const bytes = this.files.get(path)
    if (bytes === undefined) {
      response.writeHead(404).end('nothing here')
      return
    }
    if (this.etag !== undefined) response.setHeader('etag', this.etag)
    sendRange(bytes, request, response)
  }
}

export function sendRange(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const start = Number(from)
  const end = Math.min(Number(to) + 1, bytes.length)
  if (from === undefined) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
  } else if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
  } else {
    const headers = {
      'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
      'content-length': end - start,
      'accept-ranges': 'bytes',
    }
    response.writeHead(206, headers).end(bytes.subarray(start, end))
  }
}
