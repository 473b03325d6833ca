// What goes into the core and what comes out, whatever HTTP library is around it. An adapter (node-handler.ts,
// fetch-handler.ts, fastify.ts) makes a Query of its request and writes the Reply.

/** A request, as hooks get it. */
export interface ServerRequest {
  /** Upper case. */
  readonly method: string
  /** Path and query as they came, undecoded, base path included: '/ortho/3/4/2.png?missing=404'. */
  readonly target: string
  /** Address of the connection: the client's, or a proxy's. Undefined where requests come as a Request. */
  readonly remoteAddress: string | undefined
  /** The connection itself is TLS. */
  readonly isSecure: boolean
  /** Value of a header, by its lower-case name; several of one name joined by ', '. */
  header(name: string): string | undefined
}

export interface Query extends ServerRequest {
  /** Where an outer router mounts us, '/maps', when it took that off `target`: part of the URLs we hand out. */
  readonly mountPath?: string | undefined
  /** The address is that of the mount without a slash behind it, '/maps': links relative to it lead elsewhere. */
  readonly isBare?: boolean
  /** Aborted when the client disconnects. Created on first use; tiles never use it. */
  readonly signal: AbortSignal
  /**
   * The request's body.
   * @throws HttpError 413 when it is longer than `limitBytes`
   * @throws HttpError 400 when it is cut off
   */
  body(limitBytes: number): Promise<Uint8Array>
}

export interface Reply {
  readonly status: number
  /** Names and values in turn, as node:http's writeHead takes them. They include Content-Length when it is known. */
  readonly headers: readonly string[]
  /** Undefined: none (HEAD, 204, 304). Chunks are pulled as the client takes them. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined
  /** Nobody else has the body's bytes, so their memory may be reused once they are written. */
  readonly isSpare?: boolean
  /** A 404 for a path that is neither a source nor a page: an outer router may know it. */
  readonly isElsewhere?: boolean
}

export type Answer = Reply | Promise<Reply>

/** A mistake of the client, or something the server cannot do now: a status and one sentence. The core turns it into a Reply. */
export class HttpError extends Error {
  readonly status: number
  /** More headers, names and values in turn. */
  readonly headers: readonly string[]

  constructor(status: number, sentence: string, headers: readonly string[] = []) {
    super(sentence)
    this.name = 'HttpError'
    this.status = status
    this.headers = headers
  }
}
