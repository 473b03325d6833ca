// Writes a patch. It has a temporary name until it is complete.
import { basename } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import type { SourceRecord } from '../../format/sources/record.js'
import { tileIdToZxy } from '../../format/tile-id.js'
import type { TileType } from '../../format/tile-type.js'
import { partPath, publishPart, removeStalePart } from '../../interop/transfer/part-file.js'
import { removeFile } from '../../platform/rename.js'
import { type OutputPlace, outputPlace } from '../../store/output-path.js'
import { createTiles } from '../../store/paths.js'
import type { TileWriter } from '../../store/write/writer.js'
import { PATCH_KEY, type PatchAbout, type TilesState } from './header.js'
import { Patch } from './read.js'
import { RunsWriter } from './removed.js'

export interface PatchPlace {
  readonly path: string
  /** The command that writes, for messages. */
  readonly who: string
  readonly overwrite: boolean
  /** Paths that are read; they are never written. */
  readonly inputs: readonly string[]
}

/** Of these metadata a patch has a copy, for those who look at its tiles. */
const SHOWN = ['attribution', 'vector_layers', 'encoding']

/** Exactly one of `finish` and `abandon` must be called at the end. */
export class PatchWriter {
  readonly #place: OutputPlace
  readonly #writer: TileWriter
  readonly #removed: RunsWriter

  /**
   * @throws BAD_OPTION, EXISTS, NOT_FOUND when the path cannot be written, or has something other than a patch
   * @throws LOCKED, DISK_FULL, SYSTEM
   */
  constructor(place: PatchPlace) {
    this.#place = outputPlace(place.path, { kind: 'archive', ...place })
    if (this.#place.replaces !== undefined) refuseOthers(place)
    removeStalePart(this.#place.path)
    // nothing needs to be durable before the end
    const writer = createTiles(partPath(this.#place.path), { commitBytes: 0 })
    this.#writer = writer
    this.#removed = new RunsWriter((chunk) => writer.storeBytes(chunk))
  }

  /** Adds a tile that applying puts. Keys ascend. @throws DISK_FULL, SYSTEM */
  put(key: number, bytes: Uint8Array, type: TileType): void {
    const [z, x, y] = tileIdToZxy(key)
    this.#writer.append(z, x, y, bytes, type)
  }

  /** Adds a tile that applying removes. Keys ascend. @throws DISK_FULL, SYSTEM */
  remove(key: number): void {
    this.#removed.add(key)
  }

  /**
   * Completes the patch and puts it under its name. `shown`: the metadata of the archive after it; `sources`: its sources,
   * if they differ.
   * @throws EXISTS when something else appeared under the name meanwhile
   * @throws DISK_FULL, SYSTEM when it cannot be written
   */
  finish(
    before: TilesState,
    after: TilesState & PatchAbout,
    names: readonly [before: string, after: string],
    shown: Record<string, unknown>,
    sources?: readonly SourceRecord[],
  ): void {
    const chunks = this.#removed.finish().map(({ offset, length, crc }) => [offset, length, crc])
    const writer = this.#writer
    writer.setMetadata({
      name: names.map((name) => basename(name)).join(' to '),
      ...Object.fromEntries(SHOWN.flatMap((key) => (key in shown ? [[key, shown[key]]] : []))),
      [PATCH_KEY]: {
        version: 1,
        before,
        after: { ...after, sources: sources?.length },
        removed: { tiles: this.#removed.tiles, chunks },
      },
    })
    if (sources !== undefined) writer.setSources(sources)
    writer.seal()
    writer.close()
    publishPart(this.#place)
  }

  /** Removes what was written. Never throws. */
  abandon(): void {
    removeFile(partPath(this.#place.path))
    this.#writer.abandon()
  }
}

/** A slip of the pen must not cost an archive. @throws EXISTS when the file is not a patch */
function refuseOthers({ path, who }: PatchPlace): void {
  try {
    Patch.open(path).close()
  } catch {
    throw new FlagstoneError(
      'EXISTS',
      `${path} exists and is not a patch; ${who} replaces nothing but patches. Choose another name, or remove it first.`,
      { path },
    )
  }
}
