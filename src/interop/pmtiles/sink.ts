// Writes a Flagstone file, which is a clustered PMTiles archive once it is sealed.

import { isBadOption } from '../../errors.js'
import type { SourceRecord } from '../../format/sources/record.js'
import { removeFile } from '../../platform/rename.js'
import type { OutputPlace } from '../../store/output-path.js'
import { createTiles, whileLocked } from '../../store/paths.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import type { TileWriter } from '../../store/write/writer.js'
import { partPath, publishPart, removeStalePart } from '../transfer/part-file.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { ValueMover } from '../transfer/value-mover.js'

const SHARED =
  'Disk blocks are shared with the sources, so tiles keep the order that they have there; flagstone convert sorts them.'

export class PmtilesSink implements TileSink {
  /** So that the values are clustered: neighbours on the map are neighbours in the file. */
  readonly wantsSorted = true
  readonly #place: OutputPlace
  readonly #writer: TileWriter
  #values: ValueMover | undefined
  /** What could not be kept. */
  readonly #lost: string[] = []

  /** @throws LOCKED, DISK_FULL, SYSTEM */
  constructor(place: OutputPlace) {
    this.#place = place
    removeStalePart(place.path)
    // nothing needs to be durable before the end
    this.#writer = createTiles(partPath(place.path), { commitBytes: 0 })
  }

  /** Takes tiles over from other Flagstone files, between the others in key order. */
  get values(): ValueMover {
    this.#values ??= new ValueMover(this.#writer.graft())
    return this.#values
  }

  get notes(): readonly string[] {
    const shares = this.#values?.shares === true
    return shares ? [...this.#lost, SHARED] : this.#lost
  }

  put({ z, x, y, bytes, type }: StoredTile): undefined {
    this.#values?.flush()
    this.#writer.append(z, x, y, bytes, type)
  }

  async finish({ metadata, bounds, center, sources }: ArchiveAbout): Promise<void> {
    const writer = this.#writer
    this.#values?.flush()
    writer.setMetadata({
      ...metadata,
      ...(bounds === undefined ? {} : { bounds }),
      ...(center === undefined ? {} : { center }),
    })
    if (sources !== undefined) this.#remember(sources)
    writer.seal({ bounds: bounds && [...bounds], center: center && [...center] })
    writer.close()
    const { path, replaces } = this.#place
    // a writer that has the old file open must not lose what it writes
    if (replaces === undefined) publishPart(this.#place)
    else whileLocked(path, () => publishPart(this.#place))
  }

  /** Too many of them must not cost the tiles. */
  #remember(sources: readonly SourceRecord[]): void {
    try {
      this.#writer.setSources(sources)
    } catch (error) {
      if (!isBadOption(error)) throw error
      this.#lost.push(`None of the sources is passed on: ${error.message}.`)
    }
  }

  async abandon(): Promise<void> {
    removeFile(partPath(this.#place.path))
    this.#writer.abandon()
  }
}
