// Writes a zip archive of tiles, z/x/y.png, and metadata.json at the end. Tiles are stored, because they are compressed already.
//
// The libraries for zip keep an object for each entry until the directory is written, so that memory grows with the
// archive. Here the directory waits in a nameless temporary file.
import { crc32 } from '../../format/crc.js'
import { type OutputRequest, outputPlace } from '../../store/output-path.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { LooseTally, looseExtension } from '../packed/about-files.js'
import { isOnlyTiles } from '../packed/packed-set.js'
import { PartFile } from '../transfer/part-file.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { endOfDirectory, localHeader, recordOf } from './format.js'
import { openZip } from './reader.js'
import { SpoolFile } from './spool-file.js'

const isOwn = (path: string): boolean => isOnlyTiles(() => openZip(path))

export class ZipSink implements TileSink {
  readonly wantsSorted = false
  readonly #path: string
  readonly #file: PartFile
  readonly #directory = new SpoolFile()
  readonly #tally = new LooseTally()
  #entries = 0

  /** @throws BAD_OPTION, EXISTS, NOT_FOUND, LOCKED, DISK_FULL, SYSTEM */
  constructor(request: Omit<OutputRequest, 'kind'> & { readonly path: string }) {
    this.#path = request.path
    this.#file = new PartFile(
      outputPlace(request.path, { kind: 'archive', ...request, extension: '.zip', isOwn }),
    )
  }

  put(tile: StoredTile): undefined {
    this.#tally.add(tile)
    this.#add(`${tile.z}/${tile.x}/${tile.y}.${looseExtension(tile.type)}`, tile.bytes)
  }

  async finish(about: ArchiveAbout): Promise<void> {
    this.#add('metadata.json', Buffer.from(this.#tally.metadataJson(this.#path, about)))
    const start = this.#file.length
    for (const part of this.#directory.parts()) this.#file.append(part)
    this.#directory.close()
    this.#file.append(endOfDirectory(this.#entries, start, this.#file.length - start))
    this.#file.publish()
  }

  async abandon(): Promise<void> {
    this.#directory.close()
    this.#file.discard()
  }

  #add(name: string, bytes: Uint8Array): void {
    const entry = { name, bytes: bytes.length, crc: crc32(bytes), position: this.#file.length }
    this.#file.append(localHeader(entry))
    this.#file.append(bytes)
    this.#directory.append(recordOf(entry))
    this.#entries++
  }
}
