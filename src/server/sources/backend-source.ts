// What sources of every kind do alike: they refuse coordinates outside the grid before any archive sees them, and
// describe an archive once a version.

import type { TileReader } from '../../store/read/open.js'
import type { TileStat } from '../../store/read/tile.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { TilesDescription } from '../../store/report/describe.js'
import { MAX_ZOOM } from '../../zooms.js'
import type { MissingPolicy } from '../options.js'
import { archiveBackend } from './archive-backend.js'
import type { Backend, ServedTile } from './backend.js'
import type { Source } from './source.js'

export abstract class BackendSource implements Source {
  readonly id: string
  readonly path: string
  readonly missing: MissingPolicy | undefined
  abstract readonly kind: Source['kind']
  #description: { readonly version: string; readonly is: TilesDescription } | undefined

  constructor(id: string, path: string, missing: MissingPolicy | undefined) {
    this.id = id
    this.path = path
    this.missing = missing
  }

  /** Open now. */
  protected abstract get backend(): Backend
  abstract hold(): () => void

  get tiles(): TileSet {
    return this.backend.tiles
  }

  get reader(): TileReader | undefined {
    return this.backend.reader
  }

  get contentEncoding(): string | undefined {
    return this.backend.contentEncoding
  }

  get version(): string {
    return this.backend.revision
  }

  get(z: number, x: number, y: number): ServedTile | undefined {
    return isInGrid(z, x, y) ? this.backend.get(z, x, y) : undefined
  }

  stat(z: number, x: number, y: number): TileStat | undefined {
    return isInGrid(z, x, y) ? this.backend.stat(z, x, y) : undefined
  }

  describe(): TilesDescription {
    const { version } = this
    if (this.#description?.version !== version) {
      this.#description = { version, is: this.backend.describe() }
    }
    return this.#description.is
  }
}

/** A reader that the caller opened, and closes. */
export class GivenReader extends BackendSource {
  protected readonly backend: Backend
  readonly kind: Source['kind']

  constructor(id: string, reader: TileReader, missing: MissingPolicy | undefined) {
    super(id, reader.path, missing)
    this.backend = archiveBackend(reader)
    this.kind = reader.kind
  }

  hold(): () => void {
    return () => {}
  }
}

function isInGrid(z: number, x: number, y: number): boolean {
  const side = 2 ** z
  return Number.isInteger(z) && z >= 0 && z <= MAX_ZOOM && isIndex(x, side) && isIndex(y, side)
}

const isIndex = (n: number, side: number): boolean => Number.isInteger(n) && n >= 0 && n < side
