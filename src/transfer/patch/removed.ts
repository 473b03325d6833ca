// The list of tiles that a patch removes: ascending runs of TileIDs, as varints, in chunks of bounded size. 10^7 removed
// tiles take 20 MB where no two are neighbours, and a few bytes where they are.
import { FlagstoneError } from '../../errors.js'
import { crc32 } from '../../format/crc.js'
import { zoomBase } from '../../format/tile-id.js'
import { MAX_ZOOM } from '../../zooms.js'

/** Consecutive TileIDs: [key, end). */
export interface KeyRun {
  readonly key: number
  readonly end: number
}

/** Where a chunk is among the values of a patch. */
export interface RunChunk {
  /** From V. */
  readonly offset: number
  /** Bytes, 1 to CHUNK_BYTES. */
  readonly length: number
  /** CRC-32 of its bytes. */
  readonly crc: number
}

export const CHUNK_BYTES = 1 << 20
/** Two varints of numbers below 2^53. */
const MOST_BYTES_OF_A_RUN = 16
const KEYS_END = zoomBase(MAX_ZOOM + 1)

/** Writes runs of keys that are added in ascending order. */
export class RunsWriter {
  readonly #store: (chunk: Uint8Array) => number
  readonly #buffer: Uint8Array
  #used = 0
  #from = 0
  #end = 0
  /** End of the last run in this chunk. */
  #written = 0
  readonly #chunks: RunChunk[] = []
  /** Number of keys added. */
  tiles = 0

  /** `store` returns the offset of what it stored. `chunkBytes`: for tests. */
  constructor(store: (chunk: Uint8Array) => number, chunkBytes = CHUNK_BYTES) {
    this.#store = store
    this.#buffer = new Uint8Array(chunkBytes)
  }

  add(key: number): void {
    this.tiles++
    if (key === this.#end) {
      this.#end++
      return
    }
    this.#endRun()
    this.#from = key
    this.#end = key + 1
  }

  finish(): RunChunk[] {
    this.#endRun()
    this.#endChunk()
    return this.#chunks
  }

  #endRun(): void {
    if (this.#end === this.#from) return
    this.#put(this.#from - this.#written)
    this.#put(this.#end - this.#from)
    this.#written = this.#end
    if (this.#buffer.length - this.#used < MOST_BYTES_OF_A_RUN) this.#endChunk()
  }

  #endChunk(): void {
    if (this.#used === 0) return
    const bytes = this.#buffer.subarray(0, this.#used)
    this.#chunks.push({ offset: this.#store(bytes), length: bytes.length, crc: crc32(bytes) })
    this.#used = 0
    this.#written = 0
  }

  #put(value: number): void {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#used++] = (rest % 128) + 128
    this.#buffer[this.#used++] = rest
  }
}

/**
 * The runs of chunks, ascending. `load` reads the bytes of a chunk. No more than one chunk is in memory.
 * @throws DAMAGED when they are not what a writer writes
 */
export function* readRuns(
  path: string,
  chunks: readonly RunChunk[],
  load: (chunk: RunChunk) => Uint8Array,
): Generator<KeyRun, void> {
  let last = -1
  for (const chunk of chunks) {
    const bytes = load(chunk)
    if (crc32(bytes) !== chunk.crc) throw notRuns(path)
    for (const run of runsOf(bytes, path)) {
      if (run.key <= last) throw notRuns(path)
      last = run.end
      yield run
    }
  }
}

function* runsOf(bytes: Uint8Array, path: string): Generator<KeyRun, void> {
  let at = 0
  const next = (): number => {
    let value = 0
    for (let unit = 1; unit <= 2 ** 49; unit *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
    throw notRuns(path)
  }
  for (let end = 0; at < bytes.length; ) {
    const key = end + next()
    end = key + next()
    if (end === key || end > KEYS_END) throw notRuns(path)
    yield { key, end }
  }
}

const notRuns = (path: string): FlagstoneError =>
  new FlagstoneError(
    'DAMAGED',
    `${path}: the list of tiles that it removes is damaged, or another program copied the patch without it; make the patch again.`,
    { path },
  )
