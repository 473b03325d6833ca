// Where the tiles of an archive are: some 30 bytes of memory each, whatever their number.
import { tileId, tileIdToZxy, zoomBase } from '../../format/tile-id.js'
import type { TilesOfZoom } from '../../store/read/tile-set.js'
import { MAX_ZOOM } from '../../zooms.js'

const FIRST_ENTRIES = 1024
/** Up to this many places are looked up one by one rather than by going through their zoom. */
const FEW_PLACES = 1024
/** The extension of an entry that another one replaces. */
const REPLACED = 255

/** One file of an archive. The meaning of the numbers is that of the archive's reader. */
export interface Entry {
  readonly position: number
  readonly bytes: number
  readonly packedBytes: number
  readonly crc: number
  readonly extension: string
}

export class EntryTable {
  /** While entries are added: of rows as they are named. */
  #keys = new Float64Array(FIRST_ENTRIES)
  #positions = new Float64Array(FIRST_ENTRIES)
  #bytes = new Uint32Array(FIRST_ENTRIES)
  #packedBytes: Uint32Array | undefined
  #crcs: Uint32Array | undefined
  #extensions = new Uint8Array(FIRST_ENTRIES)
  readonly #names: string[] = []
  #count = 0
  /** Entries in the order of their keys; undefined when they already have it. */
  #order: Uint32Array | undefined
  #hasLinks = false

  /** `isPacked`: whether entries have a packed size and a CRC. */
  constructor(isPacked: boolean) {
    if (!isPacked) return
    this.#packedBytes = new Uint32Array(FIRST_ENTRIES)
    this.#crcs = new Uint32Array(FIRST_ENTRIES)
  }

  /** Number of tiles; before `finish`, of entries. */
  get count(): number {
    return this.#order?.length ?? this.#count
  }

  add(z: number, x: number, row: number, { position, bytes, packedBytes, crc, extension }: Entry): void {
    const i = this.#count++
    if (i === this.#keys.length) this.#grow()
    this.#keys[i] = tileId(z, x, row)
    this.#positions[i] = position
    this.#bytes[i] = Math.min(bytes, 0xffffffff)
    if (this.#packedBytes !== undefined) this.#packedBytes[i] = Math.min(packedBytes, 0xffffffff)
    if (this.#crcs !== undefined) this.#crcs[i] = crc
    this.#extensions[i] = this.#numberOf(extension)
  }

  /** Adds a place with the bytes of another one, which may follow. */
  addLink(
    z: number,
    x: number,
    row: number,
    extension: string,
    to: { z: number; x: number; row: number },
  ): void {
    const position = asLink(tileId(to.z, to.x, to.row))
    this.add(z, x, row, { position, bytes: 0, packedBytes: 0, crc: 0, extension })
    this.#hasLinks = true
  }

  /**
   * To be called when all are added. Of several entries for a place the last counts, as when they are unpacked. Links
   * to places that are not there are left aside.
   */
  finish(isTms: boolean): void {
    const keys = this.#keys
    if (isTms) this.#flip()
    if (!this.#hasLinks && isAscending(keys, this.#count)) return
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i)
    order.sort((a, b) => keys[a]! - keys[b]! || a - b)
    this.#order = order
    if (this.#hasLinks) for (let i = 0; i < this.#count; i++) if (this.#positions[i]! < 0) this.#follow(i)
    let kept = 0
    for (let i = 0; i < order.length; i++) {
      const at = order[i]!
      const isLast = i + 1 === order.length || keys[at] !== keys[order[i + 1]!]
      if (isLast && this.#positions[at]! >= 0) order[kept++] = at
      else this.#extensions[at] = REPLACED
    }
    if (kept < order.length) this.#order = order.slice(0, kept)
  }

  #flip(): void {
    for (let i = 0; i < this.#count; i++) {
      this.#keys[i] = flipped(this.#keys[i]!)
      const position = this.#positions[i]!
      if (position < 0) this.#positions[i] = asLink(flipped(asLink(position)))
    }
  }

  /** Gives a link the bytes of its target. A link to a link stays one, as no program writes it. */
  #follow(link: number): void {
    const key = asLink(this.#positions[link]!)
    // the last of those with this key
    const at = this.#lowerBound(key + 1) - 1
    const target = at < 0 ? undefined : this.#order![at]!
    if (target === undefined || this.#keys[target] !== key || this.#positions[target]! < 0) return
    this.#positions[link] = this.#positions[target]!
    this.#bytes[link] = this.#bytes[target]!
  }

  find(z: number, x: number, y: number): Entry | undefined {
    const at = this.#indexOf(tileId(z, x, y))
    return at === undefined ? undefined : this.#entry(this.#order?.[at] ?? at)
  }

  has(z: number, x: number, y: number): boolean {
    return this.#indexOf(tileId(z, x, y)) !== undefined
  }

  levels(): { zoom: number; count: number }[] {
    return Array.from({ length: MAX_ZOOM + 1 }, (_, zoom) => ({
      zoom,
      count: this.#lowerBound(zoomBase(zoom + 1)) - this.#lowerBound(zoomBase(zoom)),
    })).filter(({ count }) => count > 0)
  }

  /** In key order. */
  *tiles({ zoom, range }: TilesOfZoom): IterableIterator<{ z: number; x: number; y: number }> {
    const side = 2 ** zoom
    const { minX = 0, minY = 0, maxX = side - 1, maxY = side - 1 } = range ?? {}
    if ((maxX - minX + 1) * (maxY - minY + 1) <= FEW_PLACES) {
      for (const key of placesIn(zoom, minX, minY, Math.min(maxX, side - 1), Math.min(maxY, side - 1)))
        if (this.#indexOf(key) !== undefined) yield placeOf(key)
      return
    }
    const end = this.#lowerBound(zoomBase(zoom + 1))
    for (let i = this.#lowerBound(zoomBase(zoom)); i < end; i++) {
      const place = placeOf(this.#keyAt(i))
      const { x, y } = place
      if (x >= minX && x <= maxX && y >= minY && y <= maxY) yield place
    }
  }

  /** All tiles in the order in which they were added. */
  *stored(): IterableIterator<{ z: number; x: number; y: number; entry: Entry }> {
    for (let i = 0; i < this.#count; i++)
      if (this.#extensions[i] !== REPLACED) yield { ...placeOf(this.#keys[i]!), entry: this.#entry(i) }
  }

  #entry(i: number): Entry {
    return {
      position: this.#positions[i]!,
      bytes: this.#bytes[i]!,
      packedBytes: this.#packedBytes?.[i] ?? 0,
      crc: this.#crcs?.[i] ?? 0,
      extension: this.#names[this.#extensions[i]!]!,
    }
  }

  #numberOf(extension: string): number {
    const known = this.#names.indexOf(extension)
    return known >= 0 ? known : this.#names.push(extension) - 1
  }

  #keyAt(i: number): number {
    return this.#keys[this.#order?.[i] ?? i]!
  }

  #indexOf(key: number): number | undefined {
    const at = this.#lowerBound(key)
    return at < this.count && this.#keyAt(at) === key ? at : undefined
  }

  /** Number of tiles with a smaller key. */
  #lowerBound(key: number): number {
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keyAt(middle) < key) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(): void {
    const length = Math.ceil(this.#keys.length * 1.5)
    this.#keys = enlarged(this.#keys, new Float64Array(length))
    this.#positions = enlarged(this.#positions, new Float64Array(length))
    this.#bytes = enlarged(this.#bytes, new Uint32Array(length))
    this.#extensions = enlarged(this.#extensions, new Uint8Array(length))
    this.#packedBytes &&= enlarged(this.#packedBytes, new Uint32Array(length))
    this.#crcs &&= enlarged(this.#crcs, new Uint32Array(length))
  }
}

function enlarged<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** A link in the column of positions, which are not negative; and back. */
const asLink = (key: number): number => -1 - key

const placeOf = (key: number): { z: number; x: number; y: number } => {
  const [z, x, y] = tileIdToZxy(key)
  return { z, x, y }
}

/** TMS rows count from the south. */
function flipped(key: number): number {
  const { z, x, y } = placeOf(key)
  return tileId(z, x, 2 ** z - 1 - y)
}

function isAscending(keys: Float64Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (keys[i - 1]! >= keys[i]!) return false
  return true
}

/** The keys of a rectangle, ascending. */
function placesIn(zoom: number, minX: number, minY: number, maxX: number, maxY: number): Float64Array {
  const keys: number[] = []
  for (let x = Math.max(0, minX); x <= maxX; x++)
    for (let y = Math.max(0, minY); y <= maxY; y++) keys.push(tileId(zoom, x, y))
  return Float64Array.from(keys).sort()
}
