// Reads one remote file by HTTP range requests (RFC 9110 §14). It checks every response, and retries after errors that
// look temporary.
//
// Invariants: it returns exactly the requested bytes, all from one version of the file (size, ETag and date must match
// the first response); no response takes more memory than was requested; every wait ends.
import { setTimeout as delay } from 'node:timers/promises'
import { FlagstoneError } from '../../../errors.js'
import { CHANGED_ERRNO } from '../../losses.js'
import { remoteUrl, withoutSecrets } from '../../remote-path.js'

export interface HttpOptions {
  /** A request fails after this long without a byte, or when it stays slower than 10 KB/s. Default: 30 s. */
  readonly timeoutMs?: number
  /** Attempts per request. Default: 5. */
  readonly tries?: number
  /** Wait after the first failure, doubled after each further one. Default: 250 ms. */
  readonly backoffMs?: number
}

/** From servers without range support, files up to this size are read whole. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20
const MAX_BACKOFF_MS = 20_000
/** After this many failed requests in a row, no more are sent. */
const MAX_GIVEN_UP = 6
const SLOWEST_BYTES_PER_MS = 10

interface Version {
  readonly sizeBytes: number
  readonly etag: string | undefined
  readonly modified: string | undefined
}

/** Reads a response; calls `alive` whenever bytes arrive. */
type Use<T> = (response: Response, alive: () => void) => Promise<T>

/** A failure that may be temporary. */
class Passing extends Error {
  readonly waitMs: number | undefined

  constructor(message: string, waitMs?: number) {
    super(message)
    this.waitMs = waitMs
  }
}

export class HttpFile {
  /** For messages, without login and signature. */
  readonly name: string
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number
  readonly #tries: number
  readonly #backoffMs: number
  readonly #closed = new AbortController()
  #version: Version | undefined
  #givenUp = 0

  constructor(path: string, options: HttpOptions = {}) {
    const text = remoteUrl(path) ?? path
    let url: URL
    try {
      url = new URL(text)
    } catch (cause) {
      throw new FlagstoneError('SOURCE_UNREADABLE', `${path} is not a valid URL; check it`, { path, cause })
    }
    const { username, password } = url
    url.username = ''
    url.password = ''
    this.#url = url.href
    this.name = withoutSecrets(path)
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
    this.#headers = {
      // ranges of a compressed response would not be ranges of the file
      'accept-encoding': 'identity',
      ...(username === '' ? {} : { authorization: `Basic ${login.toString('base64')}` }),
    }
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#tries = options.tries ?? 5
    this.#backoffMs = options.backoffMs ?? 250
  }

  get sizeBytes(): number {
    return this.#version?.sizeBytes ?? 0
  }

  /** The version of the file according to its server, as one text. */
  get version(): string {
    const { sizeBytes, etag, modified } = this.#version!
    return `${sizeBytes} bytes, ${etag ?? modified ?? 'no version given'}`
  }

  /**
   * The first `length` bytes, or the whole file when it is shorter or its server does not support ranges. Call it once,
   * before anything else.
   * @throws NOT_FOUND, SOURCE_UNREADABLE
   */
  head(length: number): Promise<Uint8Array> {
    return this.#retrying(0, length, (response, alive) => this.#readHead(response, length, alive))
  }

  /** Exactly these bytes. They must lie inside the file. @throws SOURCE_UNREADABLE */
  range(offset: number, length: number): Promise<Uint8Array> {
    return this.#retrying(offset, length, async (response, alive) => {
      const got = this.#contentRange(response)
      if (got.offset !== offset || got.length !== length) {
        throw new Passing(`it sent bytes ${got.offset}…${got.offset + got.length}`)
      }
      this.#requireSame(versionOf(response, got.sizeBytes))
      return readBody(response, length, alive)
    })
  }

  close(): void {
    this.#closed.abort()
  }

  async #readHead(response: Response, length: number, alive: () => void): Promise<Uint8Array> {
    if (response.status === 416) {
      this.#version = versionOf(response, 0)
      return new Uint8Array(0)
    }
    if (response.status === 206) {
      const { offset, length: got, sizeBytes } = this.#contentRange(response)
      const expected = Math.min(length, sizeBytes)
      if (offset !== 0 || got !== expected) throw new Passing(`it sent bytes ${offset}…${offset + got}`)
      this.#version = versionOf(response, sizeBytes)
      return readBody(response, expected, alive)
    }
    const said = response.headers.get('content-length')
    if (said === null || Number(said) > MAX_WHOLE_BYTES) {
      throw this.#unreadable(
        'its server cannot send parts of a file (it answered a range request with the whole file); download it first',
      )
    }
    const bytes = await readBody(response, Number(said), alive)
    this.#version = versionOf(response, bytes.length)
    return bytes
  }

  async #retrying<T>(offset: number, length: number, use: Use<T>): Promise<T> {
    if (this.#givenUp >= MAX_GIVEN_UP)
      throw this.#unreadable(`its server did not answer ${MAX_GIVEN_UP} requests before; try again later`)
    let wait = this.#backoffMs
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await this.#once(offset, length, use)
        this.#givenUp = 0
        return result
      } catch (error) {
        if (!(error instanceof Passing)) throw error
        if (attempt >= this.#tries) {
          this.#givenUp++
          const times = attempt === 1 ? 'once' : `${attempt} times`
          throw this.#unreadable(`${error.message} (tried ${times}); try again later`)
        }
        await this.#pause(error.waitMs ?? wait * (0.75 + Math.random() / 2))
        wait *= 2
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await delay(Math.min(ms, MAX_BACKOFF_MS), undefined, { signal: this.#closed.signal })
    } catch {
      throw this.#unreadable('it was closed while being read')
    }
  }

  async #once<T>(offset: number, length: number, use: Use<T>): Promise<T> {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), this.#timeoutMs)
    // this also ends a request to a server that sends a byte only now and then
    const atMost = setTimeout(() => stop.abort(), 2 * this.#timeoutMs + length / SLOWEST_BYTES_PER_MS)
    const signal = AbortSignal.any([stop.signal, this.#closed.signal])
    const headers = { ...this.#headers, range: `bytes=${offset}-${offset + length - 1}` }
    try {
      const response = await fetch(this.#url, { headers, signal })
      timer.refresh()
      this.#requireUsable(response)
      return await use(response, () => timer.refresh())
    } catch (error) {
      if (error instanceof FlagstoneError || error instanceof Passing) throw error
      if (this.#closed.signal.aborted) throw this.#unreadable('it was closed while being read')
      if (stop.signal.aborted)
        throw new Passing(`it is too slow, or sent nothing for ${this.#timeoutMs / 1000} s`)
      throw this.#connectionTrouble(error)
    } finally {
      // the abort also ends a body that was not read completely
      clearTimeout(timer)
      clearTimeout(atMost)
      stop.abort()
    }
  }

  #connectionTrouble(error: unknown): Error {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
    const what = cause?.code ?? cause?.message ?? (error as Error).message
    if (/bad port|unknown scheme/.test(what))
      return this.#unreadable(`it cannot be requested (${what}); check the URL`)
    if (what === 'ENOTFOUND') return this.#unreadable('its server was not found; check the URL')
    if (/redirect/i.test(String(cause?.message)))
      return this.#unreadable('its server redirects too many times')
    return new Passing(`the connection failed (${what})`)
  }

  /** Accepts the statuses 206, 200 (for the first request) and 416 (an empty file). */
  #requireUsable(response: Response): void {
    const { status, headers } = response
    if (status === 404 || status === 410) {
      throw new FlagstoneError('NOT_FOUND', `${this.name} does not exist (HTTP ${status}); check the URL`, {
        path: this.name,
      })
    }
    if (status >= 500 || status === 429 || status === 408) {
      throw new Passing(`its server answered ${status}`, retryAfterMs(headers.get('retry-after')))
    }
    if (status === 401 || status === 403) {
      throw this.#unreadable(`its server refuses access (HTTP ${status}); check the URL and its signature`)
    }
    const isFirst = this.#version === undefined
    if (status !== 206 && !(isFirst && (status === 200 || status === 416))) {
      throw status === 200 || status === 412 || status === 416
        ? this.#changed()
        : this.#unreadable(`its server answered ${status} to a range request`)
    }
    const coding = headers.get('content-encoding')
    if (coding !== null && coding !== 'identity') {
      throw this.#unreadable(
        `its server sends it compressed (${coding}) although asked not to, so parts of it cannot be read; download it first`,
      )
    }
  }

  #contentRange(response: Response): { offset: number; length: number; sizeBytes: number } {
    const text = response.headers.get('content-range') ?? ''
    const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text.trim()) ?? []
    if (size === undefined || !Number.isSafeInteger(Number(size)) || Number(to) >= Number(size)) {
      throw this.#unreadable(
        `its server does not say which part it sends (Content-Range: ${text.slice(0, 80) || 'none'}); download it first`,
      )
    }
    return { offset: Number(from), length: Number(to) - Number(from) + 1, sizeBytes: Number(size) }
  }

  #requireSame(now: Version): void {
    const before = this.#version!
    const differs = (a: string | undefined, b: string | undefined): boolean =>
      a !== undefined && b !== undefined && a !== b
    // copies of a file on several servers may differ in date, so equal ETags are enough
    const dates = now.etag === undefined || before.etag === undefined
    if (
      now.sizeBytes !== before.sizeBytes ||
      differs(now.etag, before.etag) ||
      (dates && differs(now.modified, before.modified))
    ) {
      throw this.#changed()
    }
  }

  #changed(): FlagstoneError {
    return new FlagstoneError(
      'SOURCE_UNREADABLE',
      `${this.name}: the file changed on its server while it was being read; start again`,
      { path: this.name, call: 'fetch', errno: CHANGED_ERRNO },
    )
  }

  #unreadable(why: string): FlagstoneError {
    return new FlagstoneError('SOURCE_UNREADABLE', `${this.name}: ${why}`, { path: this.name, call: 'fetch' })
  }
}

const versionOf = (response: Response, sizeBytes: number): Version => ({
  sizeBytes,
  // the same bytes, whether or not a proxy marks the ETag as weak
  etag: response.headers.get('etag')?.replace(/^W\//, ''),
  modified: response.headers.get('last-modified') ?? undefined,
})

/** Parses Retry-After: seconds, or a date. */
function retryAfterMs(text: string | null): number | undefined {
  if (text === null) return undefined
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/** Reads the body, which must have exactly `length` bytes. */
async function readBody(response: Response, length: number, alive: () => void): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let at = 0
  for await (const piece of response.body ?? []) {
    if (at + piece.length > length) throw new Passing('it sent more bytes than asked for')
    bytes.set(piece, at)
    at += piece.length
    alive()
  }
  if (at < length) throw new Passing(`it sent ${at} of ${length} bytes`)
  return bytes
}
