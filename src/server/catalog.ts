// The sources that are served, by id.
import { basename, extname } from 'node:path'
import { describeTiles, type TilesDescription } from '../store/describe.js'
import type { AnyReader } from '../store/open.js'
import { openTiles } from '../store/paths.js'
import type { ResolvedServerOptions } from './options.js'
import type { Catalog, ServedTile, Source, SourceInput, TileStat } from './source.js'

class FileSource implements Source {
  readonly id: string
  readonly path: string
  readonly reader: AnyReader
  readonly missing = undefined
  readonly contentEncoding = undefined
  #description: TilesDescription | undefined

  constructor(path: string) {
    this.path = path
    this.id = basename(path, extname(path))
    this.reader = openTiles(path)
  }

  get tiles(): AnyReader {
    return this.reader
  }

  get kind(): 'flat' | 'pmtiles' {
    return this.reader.kind
  }

  get version(): string {
    return '1'
  }

  get(z: number, x: number, y: number): ServedTile | undefined {
    const tile = this.reader.get(z, x, y)
    return tile && { bytes: tile.bytes, type: tile.type, length: tile.bytes.length, etag: tile.etag }
  }

  stat(z: number, x: number, y: number): TileStat | undefined {
    return this.get(z, x, y)
  }

  describe(): TilesDescription {
    this.#description ??= describeTiles(this.reader)
    return this.#description
  }

  hold(): () => void {
    return () => {}
  }
}

/** Rejects with FlagstoneError BAD_OPTION, NOT_FOUND, and what opening a file that was named throws. */
export async function openCatalog(
  inputs: readonly SourceInput[],
  _options: ResolvedServerOptions,
): Promise<Catalog> {
  const paths = inputs.map((input) => (typeof input === 'string' ? input : input.path!))
  const sources = new Map(paths.map((path) => new FileSource(path)).map((source) => [source.id, source]))
  return {
    get: (id) => sources.get(id),
    list: () => [...sources.values()],
    problems: () => [],
    generation: 0,
    openFiles: sources.size,
    close() {
      for (const source of sources.values()) source.reader.close()
    },
  }
}
