// The PMTiles archives of files that are not sealed yet: made when they are asked for, kept while they are the
// latest, or not much older: a client that has just read new directories is to get to its tile before the next ones
// are made, and making them may take no more than a tenth of the time, however often a writer commits.
import { LRUCache } from 'lru-cache'
import { type ArchiveBytes, archiveOf } from '../../store/live/virtual-archive.js'
import type { TileReader } from '../../store/read/open.js'
import type { WorkQueue } from '../work/work-queue.js'

const MAX_BYTES = 128 * 1024 * 1024
/** An archive may be older than the file by this many times what it took to make it. */
const AGE_PER_COST = 10
const LEAST_AGE_MS = 250

interface Kept {
  readonly archive: ArchiveBytes
  readonly freshUntil: number
}

export class GrowingArchives {
  readonly #work: WorkQueue
  readonly #kept = new LRUCache<TileReader, Kept>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ archive }) => archive.heldBytes + 1024,
  })
  readonly #making = new Map<TileReader, Promise<ArchiveBytes>>()

  constructor(work: WorkQueue) {
    this.#work = work
  }

  /**
   * @throws as `archiveOf`
   * @throws HttpError 503 when too much is going on
   */
  of(reader: TileReader): Promise<ArchiveBytes> {
    if (reader.kind === 'pmtiles') return archiveOf(reader)
    const kept = this.#kept.get(reader)
    if (kept !== undefined) {
      const isLatest = kept.archive.revision === reader.revision
      const isFresh = kept.archive.isVirtual && !reader.sealed && performance.now() < kept.freshUntil
      if (isLatest || isFresh) return Promise.resolve(kept.archive)
    }
    const underWay = this.#making.get(reader)
    if (underWay !== undefined) return underWay
    const making = this.#make(reader).finally(() => this.#making.delete(reader))
    this.#making.set(reader, making)
    return making
  }

  async #make(reader: TileReader): Promise<ArchiveBytes> {
    const start = performance.now()
    // others wait for it too: that one of them goes does not end it
    const everyone = new AbortController().signal
    const archive = reader.sealed
      ? await archiveOf(reader)
      : await this.#work.run(everyone, () => archiveOf(reader))
    const end = performance.now()
    this.#kept.set(reader, {
      archive,
      freshUntil: end + Math.max(LEAST_AGE_MS, AGE_PER_COST * (end - start)),
    })
    return archive
  }
}
