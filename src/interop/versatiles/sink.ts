// Writes a VersaTiles container, block after block. All tiles are of one format there, and compressed alike.
import { gunzipSync, gzipSync } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { isGzip } from '../../format/gzip.js'
import { nameOfTileType, TileType, typeOfContent } from '../../format/tile-type.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import { openRealFile } from '../../platform/real-file.js'
import { type OutputRequest, outputPlace } from '../../store/output-path.js'
import type { StoredTile } from '../../store/read/tile-set.js'
import { boxOf } from '../../store/report/claims.js'
import { type Extent, withTile } from '../../store/report/extent.js'
import { LooseTally, looseExtension } from '../packed/about-files.js'
import { MAX_TILE_BYTES } from '../packed/tile-name.js'
import { PartFile } from '../transfer/part-file.js'
import type { ArchiveAbout, TileSink } from '../transfer/sink.js'
import { BlockWriter, toBrotli } from './block-writer.js'
import { encodeHeader, FORMATS, HEADER_BYTES, MAGIC, PACKINGS } from './layout.js'

/** Undefined when VersaTiles has none. */
function codeOf(extension: string): number | undefined {
  const found = Object.entries(FORMATS).find(([, name]) => name === extension)
  return found && Number(found[0])
}

function isOwn(path: string): boolean {
  const file = openRealFile(path, 'read')
  try {
    const mark = Buffer.alloc(MAGIC.length)
    return file.read(mark, 0) === mark.length && mark.toString('latin1') === MAGIC
  } finally {
    file.close()
  }
}

export class VersatilesSink implements TileSink {
  /** All tiles of a block follow each other in key order. */
  readonly wantsSorted = true
  readonly #path: string
  readonly #file: PartFile
  readonly #tally = new LooseTally()
  readonly #types = new Set<TileType>()
  readonly #blocks: Buffer[] = []
  #block: BlockWriter | undefined
  /** Of the zoom that came last, the deepest. */
  #extent: Extent | undefined
  /** Whether tiles are in gzip: as the first one is. */
  #isGzip: boolean | undefined
  #repacked = 0

  /** @throws BAD_OPTION, EXISTS, NOT_FOUND, LOCKED, DISK_FULL, SYSTEM */
  constructor(request: Omit<OutputRequest, 'kind'> & { readonly path: string }) {
    this.#path = request.path
    this.#file = new PartFile(
      outputPlace(request.path, { kind: 'archive', ...request, extension: '.versatiles', isOwn }),
    )
    this.#file.append(new Uint8Array(HEADER_BYTES))
  }

  get notes(): readonly string[] {
    const notes: string[] = []
    const lost = [...this.#types].filter((type) => codeOf(looseExtension(type)) === undefined)
    if (lost.length > 0)
      notes.push(
        `VersaTiles has no name for tiles of type ${lost.map(nameOfTileType).join(', ')}; they are stored as 'bin'.`,
      )
    if (this.#types.size > 1)
      notes.push(
        `VersaTiles containers name one format, and these tiles are of several: the header says ${this.#tally.format}.`,
      )
    if (this.#repacked > 0)
      notes.push(
        `All tiles of a VersaTiles container are compressed alike: ${this.#repacked} were ${this.#isGzip === true ? 'gzipped' : 'unpacked'}.`,
      )
    return notes
  }

  put(tile: StoredTile): undefined {
    const { z, x, y } = tile
    const type = typeOfContent(tile.bytes, tile.type)
    this.#types.add(type)
    if (this.#types.size > 1 && this.#types.has(TileType.mvt)) throw this.#mixed()
    if (this.#block?.holds(tile) !== true) {
      this.#endBlock()
      this.#block = new BlockWriter(tile, this.#file)
    }
    this.#block!.put(x, y, type === TileType.mvt ? this.#packedAlike(tile) : tile.bytes)
    this.#tally.add({ ...tile, type })
    this.#extent = this.#extent?.zoom === z ? withTile(this.#extent, z, x, y) : withTile(undefined, z, x, y)
  }

  async finish(about: ArchiveAbout): Promise<void> {
    this.#endBlock()
    const { minZoom, maxZoom } = this.#tally
    const json = Buffer.from(this.#tally.tileJson(this.#path, about))
    const header = encodeHeader({
      format: codeOf(this.#tally.format) ?? 0,
      packing: PACKINGS.indexOf(this.#isGzip === true ? '.gz' : ''),
      minZoom: Math.min(minZoom, maxZoom),
      maxZoom,
      bounds: about.bounds ?? (this.#extent === undefined ? [-180, -85, 180, 85] : boxOf(this.#extent)),
      metadata: this.#part(this.#isGzip === true ? gzipSync(json) : json),
      blocks: this.#part(toBrotli(Buffer.concat(this.#blocks))),
    })
    this.#file.rewrite(header, 0)
    this.#file.publish()
  }

  async abandon(): Promise<void> {
    this.#file.discard()
  }

  #part(bytes: Uint8Array): { position: number; length: number } {
    return { position: this.#file.append(bytes), length: bytes.length }
  }

  #endBlock(): void {
    if (this.#block !== undefined) this.#blocks.push(this.#block.end())
    this.#block = undefined
  }

  /** @throws DAMAGED when a tile cannot be unpacked */
  #packedAlike({ z, x, y, bytes }: StoredTile): Uint8Array {
    this.#isGzip ??= isGzip(bytes)
    if (this.#isGzip === isGzip(bytes)) return bytes
    this.#repacked++
    if (this.#isGzip) return gzipSync(bytes)
    try {
      return gunzipSync(bytes, { maxOutputLength: MAX_TILE_BYTES })
    } catch (cause) {
      throw new FlagstoneError(
        'DAMAGED',
        `Tile ${z}/${x}/${y} cannot be unpacked: ${unpackProblem(cause, MAX_TILE_BYTES)}.`,
        { cause },
      )
    }
  }

  #mixed(): FlagstoneError {
    const names = [...this.#types].map(nameOfTileType).join(' and ')
    return new FlagstoneError(
      'BAD_OPTION',
      `${this.#path}: a VersaTiles container has either vector tiles or others, and these are ${names}; write another kind of archive, such as PMTiles.`,
      { path: this.#path },
    )
  }
}
