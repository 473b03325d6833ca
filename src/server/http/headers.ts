// Headers of every response: who may read it (CORS) and how long it may be cached.

import type { ResolvedServerOptions } from '../options.js'
import type { Query, Reply } from './message.js'

const IMMUTABLE = 'public, max-age=31536000, immutable'
const EXPOSED = 'ETag, Content-Length, Content-Range, Accept-Ranges, Content-Encoding, Retry-After'
const ALLOWED =
  'Accept, Accept-Encoding, Authorization, Cache-Control, Content-Type, If-Match, If-None-Match, If-Range, Range'
const PREFLIGHT_SECONDS = '86400'

export class StandardHeaders {
  readonly #cacheControl: string
  readonly #isOpen: boolean
  readonly #origins: ReadonlySet<string>

  constructor({ cors, cacheControl }: Pick<ResolvedServerOptions, 'cors' | 'cacheControl'>) {
    this.#cacheControl = cacheControl
    this.#isOpen = cors.includes('*')
    this.#origins = new Set(cors.map((origin) => origin.toLowerCase().replace(/\/$/, '')))
  }

  /** Cache-Control of what is there; `isVersioned`: by a URL that means this version and no other. */
  cacheControl(isVersioned: boolean): string {
    return isVersioned ? IMMUTABLE : this.#cacheControl
  }

  /** Appends Access-Control-* (and Vary) for the origin of the request. */
  pushCors(query: Query, headers: string[]): void {
    if (this.#isOpen) {
      headers.push('Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', EXPOSED)
      return
    }
    if (this.#origins.size === 0) return
    pushVary(headers, 'Origin')
    if (!this.#mayRead(query)) return
    headers.push(
      'Access-Control-Allow-Origin',
      query.header('origin')!,
      'Access-Control-Expose-Headers',
      EXPOSED,
    )
  }

  #mayRead(query: Query): boolean {
    const origin = query.header('origin')
    return origin !== undefined && (this.#isOpen || this.#origins.has(origin.toLowerCase()))
  }

  /** Adds CORS, and Cache-Control if the response has none. Errors are not cached. */
  finish(query: Query, { status, headers, body }: Reply, isVersioned: boolean): Reply {
    const all = [...headers]
    if (!hasHeader(all, 'cache-control')) {
      all.push('Cache-Control', status >= 400 ? 'no-store' : this.cacheControl(isVersioned))
    }
    this.pushCors(query, all)
    return { status, headers: all, body }
  }

  /** The answer to OPTIONS, preflight or not; to be finished like every other. */
  options(query: Query, methods: string): Reply {
    const headers = ['Allow', methods]
    if (query.header('access-control-request-method') !== undefined && query.header('origin') !== undefined) {
      headers.push('Access-Control-Allow-Methods', methods, 'Access-Control-Allow-Headers', ALLOWED)
      headers.push('Access-Control-Max-Age', PREFLIGHT_SECONDS)
      // a public site's page asks for a server in a private network (https://wicg.github.io/private-network-access/)
      const isPrivate = query.header('access-control-request-private-network') === 'true'
      if (isPrivate && this.#mayRead(query)) headers.push('Access-Control-Allow-Private-Network', 'true')
    }
    return { status: 204, headers, body: undefined }
  }
}

/** `name` in lower case. */
function hasHeader(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === name) return true
  return false
}

/** Appends to the Vary header, or adds one. */
export function pushVary(headers: string[], field: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() !== 'vary') continue
    headers[i + 1] = `${headers[i + 1]}, ${field}`
    return
  }
  headers.push('Vary', field)
}
