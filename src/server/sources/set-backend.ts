// An archive in one file that no program changes in place, as it is served. When somebody copies another one over it, it is opened
// anew once nobody has written for a while; until then requests are told to try again.
import { type Stats, statSync } from 'node:fs'
import { FlagstoneError } from '../../errors.js'
import { tileId } from '../../format/tile-id.js'
import { TileType } from '../../format/tile-type.js'
import { type ArchiveKind, KIND_NAMES } from '../../interop/archive-name.js'
import { openLoaded } from '../../interop/open.js'
import { beingWritten, type ChangingFile, inOneState, isFresh } from '../../store/read/one-state.js'
import type { TileStat } from '../../store/read/tile.js'
import type { TileSet } from '../../store/read/tile-set.js'
import type { TilesDescription } from '../../store/report/describe.js'
import type { Backend, ServedTile } from './backend.js'
import { describeSampled } from './describe-served.js'
import { encodingOf, inEncoding } from './vector-encoding.js'

export class SetBackend implements Backend {
  readonly kind: Exclude<ArchiveKind, 'file'>
  readonly reader = undefined
  readonly tiles: TileSet
  readonly #path: string
  #facts: Stats
  #set: TileSet
  #encoding: 'gzip' | undefined
  readonly #changing: ChangingFile

  /** @throws NOT_FOUND, NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, SYSTEM */
  constructor(path: string, kind: Exclude<ArchiveKind, 'file'>) {
    this.kind = kind
    this.#path = path
    this.#changing = {
      path,
      hasChanged: () => this.#changed() !== undefined,
      follow: () => this.#follow(),
    }
    // before it is opened: what is written meanwhile makes another state
    this.#facts = factsOf(path)
    this.#set = openLoaded(path, kind)
    this.#encoding = encodingOf(firstIn(this.#set))
    this.tiles = this.#tileSet()
  }

  /** Of vector tiles, by the first. */
  get contentEncoding(): string | undefined {
    return this.#encoding
  }

  get revision(): string {
    this.#follow()
    return this.#state
  }

  get(z: number, x: number, y: number): ServedTile | undefined {
    return this.#whole((set) => {
      const tile = set.get(z, x, y)
      if (tile === undefined) return undefined
      const bytes = tile.type === TileType.mvt ? inEncoding(tile.bytes, this.#encoding) : tile.bytes
      return { bytes, type: tile.type, length: bytes.length, etag: this.#etag(z, x, y) }
    })
  }

  stat(z: number, x: number, y: number): TileStat | undefined {
    const head = this.#whole((set) => set.head?.(z, x, y))
    // the length of a vector tile is that of its encoding, and not every archive knows the length without reading
    if (head === undefined || head.type === TileType.mvt) return this.get(z, x, y)
    return { type: head.type, length: head.length, etag: this.#etag(z, x, y) }
  }

  describe(): TilesDescription {
    return describeSampled(this.tiles, (z, x, y) => this.stat(z, x, y), {
      kind: KIND_NAMES[this.kind].name,
      sealed: true,
      fileBytes: this.#facts.size,
      layout: undefined,
      metadata: this.tiles.metadata(),
    })
  }

  close(): void {
    this.#set.close()
  }

  #tileSet(): TileSet {
    const whole = <T>(work: (set: TileSet) => T): T => this.#whole(work)
    return {
      path: this.#path,
      get: (z, x, y) => whole((set) => set.get(z, x, y)),
      has: (z, x, y) => whole((set) => set.has(z, x, y)),
      levels: () => whole((set) => set.levels()),
      tiles: (query) => whole((set) => set.tiles(query)),
      metadata: () => whole((set) => set.metadata()),
      close: () => {},
      [Symbol.dispose]: () => {},
    }
  }

  #etag(z: number, x: number, y: number): string {
    return `"${tileId(z, x, y).toString(36)}-${this.#state}"`
  }

  get #state(): string {
    const { ino, mtimeMs, size } = this.#facts
    return [ino, Math.round(mtimeMs * 1000), size].map((n) => n.toString(36)).join('-')
  }

  /** What `work` finds in one state of the file. */
  #whole<T>(work: (set: TileSet) => T): T {
    this.#follow()
    return inOneState(this.#changing, () => work(this.#set))
  }

  #follow(): void {
    const facts = this.#changed()
    if (facts === undefined) return
    if (isFresh(facts.mtimeMs)) throw beingWritten(this.#path)
    const set = openLoaded(this.#path, this.kind)
    this.#set.close()
    this.#set = set
    this.#facts = facts
    this.#encoding = encodingOf(firstIn(set))
  }

  /** What the file is now, if it was written; one that was renamed away or removed stays as it was. */
  #changed(): Stats | undefined {
    const now = statSync(this.#path, { throwIfNoEntry: false })
    const { ino, dev, mtimeMs, size } = this.#facts
    if (now === undefined || now.ino !== ino || now.dev !== dev) return undefined
    return now.mtimeMs === mtimeMs && now.size === size ? undefined : now
  }
}

function factsOf(path: string): Stats {
  const facts = statSync(path, { throwIfNoEntry: false })
  if (facts !== undefined) return facts
  throw new FlagstoneError('NOT_FOUND', `${path} does not exist; check its name.`, { path })
}

function firstIn(set: TileSet): ReturnType<TileSet['get']> {
  for (const { zoom } of set.levels())
    for (const { z, x, y } of set.tiles({ zoom })) {
      const tile = set.get(z, x, y)
      if (tile !== undefined) return tile
    }
  return undefined
}
