// HTTP by hand over a socket, for requests that no HTTP library would send, with a reader of answers that accepts
// nothing but what RFC 9112 allows.
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  /** The server said that it closes the connection. */
  readonly isLast: boolean
}

/** What came is no HTTP. */
export class Malformed extends Error {
  override name = 'Malformed'
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e]*$/
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/

export class RawClient {
  readonly #socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  #isOver = false
  #wasRefused = false
  readonly #since = performance.now()
  #ended = 'open'
  #wake: () => void = () => {}

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1' })
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
    const over = (how: string): void => {
      if (!this.#isOver) this.#ended = `${how} after ${Math.round(performance.now() - this.#since)} ms`
      this.#isOver = true
      this.#wake()
    }
    this.#socket
      .on('end', () => over('ended'))
      .on('close', () => over('closed'))
      .on('error', (error: NodeJS.ErrnoException) => {
        this.#wasRefused = error.code === 'ECONNREFUSED'
        over(error.code ?? error.message)
      })
  }

  /** How the connection ended, for who wonders. */
  get told(): string {
    return `${this.#ended}, ${this.pending} bytes left`
  }

  /** Nobody listens there. */
  get wasRefused(): boolean {
    return this.#wasRefused
  }

  /** Bytes that came and belong to no answer yet. */
  get pending(): number {
    return this.#bytes.length
  }

  send(bytes: Uint8Array | string): void {
    // once it is over, what we say goes nowhere
    if (!this.#isOver) this.#socket.write(bytes)
  }

  /** Says nothing more, and listens. */
  end(): void {
    this.#socket.end()
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * The next answer; undefined when the connection was closed before it began. Interim answers (100) are read over.
   * Rejects with Malformed, also when nothing came for so long.
   */
  async answer(method: string, limitMs: number): Promise<RawAnswer | undefined> {
    const end = performance.now() + limitMs
    for (;;) {
      const head = await this.#until((bytes) => bytes.indexOf('\r\n\r\n'), end)
      if (head === undefined) {
        if (this.#bytes.length > 0) throw new Malformed(`cut off: ${quote(this.#bytes)}`)
        return undefined
      }
      const { status, headers } = parseHead(
        this.#take(head + 4)
          .toString('latin1')
          .slice(0, -4),
      )
      if (status < 200) continue
      const isLast = /\bclose\b/i.test(headers.get('connection') ?? '')
      const isBare = method === 'HEAD' || status === 204 || status === 304
      const body = isBare ? Buffer.alloc(0) : await this.#body(headers, isLast, end)
      return { status, headers, body, isLast }
    }
  }

  async #body(headers: ReadonlyMap<string, string>, isLast: boolean, end: number): Promise<Buffer> {
    const length = headers.get('content-length')
    const coding = headers.get('transfer-encoding')
    if (length !== undefined && coding !== undefined) throw new Malformed('a length and a transfer coding')
    if (coding !== undefined) {
      if (coding !== 'chunked') throw new Malformed(`transfer coding ${coding}`)
      return this.#chunks(end)
    }
    if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw new Malformed(`a length of ${length}`)
      return this.#exactly(Number(length), end)
    }
    if (!isLast) throw new Malformed('no length, and the connection stays open')
    await this.#until(() => -1, end)
    return this.#take(this.#bytes.length)
  }

  async #chunks(end: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (;;) {
      const line = await this.#until((bytes) => bytes.indexOf('\r\n'), end)
      if (line === undefined) throw new Malformed('chunks without an end')
      const size = this.#take(line + 2)
        .toString('latin1')
        .slice(0, -2)
      if (!/^[\da-f]{1,12}$/i.test(size)) throw new Malformed(`a chunk of ${size}`)
      const bytes = await this.#exactly(Number.parseInt(size, 16) + 2, end)
      if (bytes.subarray(-2).toString('latin1') !== '\r\n') throw new Malformed('a chunk of another length')
      if (bytes.length === 2) return Buffer.concat(chunks)
      chunks.push(bytes.subarray(0, -2))
    }
  }

  async #exactly(length: number, end: number): Promise<Buffer> {
    const found = await this.#until((bytes) => (bytes.length >= length ? length : -1), end)
    if (found === undefined) throw new Malformed(`${this.#bytes.length} bytes of ${length}`)
    return this.#take(length)
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return taken
  }

  /** What `find` finds (≥ 0) in the bytes so far, undefined when it is over before. */
  async #until(find: (bytes: Buffer) => number, end: number): Promise<number | undefined> {
    for (;;) {
      const found = find(this.#bytes)
      if (found >= 0) return found
      if (this.#isOver) return undefined
      const left = end - performance.now()
      if (left <= 0) throw new Malformed(`no answer in time after ${quote(this.#bytes)}`)
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timer = setTimeout(resolve, left)
      })
      clearTimeout(timer)
    }
  }
}

const quote = (bytes: Buffer): string => JSON.stringify(bytes.subarray(0, 200).toString('latin1'))

function parseHead(text: string): { status: number; headers: Map<string, string> } {
  const [first = '', ...lines] = text.split('\r\n')
  const status = STATUS_LINE.exec(first)
  if (status === null) throw new Malformed(`status line ${JSON.stringify(first.slice(0, 200))}`)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const field = FIELD.exec(line)
    if (field === null) throw new Malformed(`header ${JSON.stringify(line.slice(0, 200))}`)
    const name = field[1]!.toLowerCase()
    if (headers.has(name) && name !== 'set-cookie' && name !== 'vary') throw new Malformed(`${name} twice`)
    headers.set(name, field[2]!)
  }
  return { status: Number(status[1]), headers }
}
