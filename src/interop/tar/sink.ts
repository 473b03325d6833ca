// Writes a tar archive of tiles, as VersaTiles does: z/x/y.png, and tiles.json at the end.
import { type OutputRequest, outputPlace } from '../../store/output-path.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { LooseTally, packedExtension } from '../packed/about-files.js'
import { isOnlyTiles } from '../packed/packed-set.js'
import { PartFile } from '../transfer/part-file.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { BLOCK_BYTES, encodeTarHeader, paddedBytes } from './header.js'
import { openTar } from './reader.js'

const PADDING = new Uint8Array(2 * BLOCK_BYTES)

const isOwn = (path: string): boolean => isOnlyTiles(() => openTar(path))

export class TarSink implements TileSink {
  readonly wantsSorted = false
  readonly #path: string
  readonly #file: PartFile
  readonly #tally = new LooseTally()

  /** @throws BAD_OPTION, EXISTS, NOT_FOUND, LOCKED, DISK_FULL, SYSTEM */
  constructor(request: Omit<OutputRequest, 'kind'> & { readonly path: string }) {
    this.#path = request.path
    this.#file = new PartFile(
      outputPlace(request.path, { kind: 'archive', ...request, extension: '.tar', isOwn }),
    )
  }

  put(tile: StoredTile): undefined {
    this.#tally.add(tile)
    this.#add(`${tile.z}/${tile.x}/${tile.y}.${packedExtension(tile)}`, tile.bytes)
  }

  async finish(about: ArchiveAbout): Promise<void> {
    this.#add('tiles.json', Buffer.from(this.#tally.tileJson(this.#path, about)))
    this.#file.append(PADDING)
    this.#file.publish()
  }

  async abandon(): Promise<void> {
    this.#file.discard()
  }

  #add(name: string, bytes: Uint8Array): void {
    this.#file.append(encodeTarHeader(name, bytes.length))
    this.#file.append(bytes)
    this.#file.append(PADDING.subarray(0, paddedBytes(bytes.length) - bytes.length))
  }
}
