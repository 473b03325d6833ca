// Compares two archives of any kind, and writes a patch that turns the first into the second.
import { statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { TilesDigest } from '../format/digest.js'
import type { SourceRecord } from '../format/sources/record.js'
import { tileIdToZxy } from '../format/tile-id.js'
import { openTileSet } from '../interop/open.js'
import { aboutOf } from '../interop/transfer/about.js'
import { Turns } from '../interop/transfer/turns.js'
import { unawaited } from '../store/callbacks.js'
import { parseOptions } from '../store/options.js'
import { FlatReader } from '../store/read/reader.js'
import type { TileSet } from '../store/read/tile-set.js'
import { type Extent, withTile } from '../store/report/extent.js'
import { type DiffOptions, diffContext, diffOptions } from './options.js'
import { aboutForPatch, namesOfDifferences } from './patch/about.js'
import { entriesOf, isSameTile, settledBytesOf, type TileEntry } from './patch/entries.js'
import { inPairs, type Pair } from './patch/merge.js'
import { type ChangedLevel, ChangeTally, type TileChange } from './patch/tally.js'
import { PatchWriter } from './patch/write.js'
import { TransferMeter } from './progress.js'
import type { TransferContext } from './transfer.js'

/** A tile that differs. */
export interface TileDifference {
  /** Zoom, 0 to 26. */
  readonly z: number
  /** Column, from the west. */
  readonly x: number
  /** Row, from the north. */
  readonly y: number
  /** What happened to it. */
  readonly change: TileChange
}

/** What `diff` uses besides its options. */
export interface DiffContext extends TransferContext {
  /** Called for each tile that differs, in key order. */
  readonly onDifference?: ((difference: TileDifference) => void) | undefined
}

/** One of two archives that were compared. */
export interface ComparedArchive {
  /** As given. */
  readonly path: string
  /** Number of tiles, over all zooms. */
  readonly tiles: number
  /** Digest of the tiles; see `digest`. */
  readonly digest: string
}

/** What `diff` found. */
export interface DiffReport {
  /** The first archive. */
  readonly before: ComparedArchive
  /** The second. */
  readonly after: ComparedArchive
  /** Whether tiles, metadata and sources are the same. */
  readonly same: boolean
  /** Number of tiles that only the archive after has. */
  readonly added: number
  /** Number of tiles with other bytes. */
  readonly changed: number
  /** Number of tiles that only the archive before has. */
  readonly removed: number
  /** The same by zoom: those with differences, ascending. */
  readonly levels: readonly ChangedLevel[]
  /** Names of the metadata that differ; without bounds and center where tiles differ, because these follow from the tiles. */
  readonly metadata: readonly string[]
  /** Whether they remember different sources. Archives other than Flagstone files remember none, and do not differ in that. */
  readonly sources: boolean
  /** The patch that was written; undefined when none was. */
  readonly patch: { readonly path: string; readonly fileBytes: number } | undefined
  /** Duration. */
  readonly seconds: number
}

/**
 * Compares two tile archives of any kind: their tiles, their metadata, and the sources that Flagstone files remember. Two Flagstone files are compared by the checks
 * in their indexes; other archives are read. With `patch` a file is written that `apply` turns the first into the second
 * with; formats/patch-1.md describes it. There is none if they are the same, unless `allowEmpty` is set.
 * @throws TypeError, RangeError when an option is wrong
 * @throws BAD_OPTION, EXISTS, NOT_FOUND when an archive or the patch cannot be used
 * @throws NOT_A_TILE_FILE, VERSION_UNSUPPORTED, DAMAGED, LOCKED when an archive cannot be read
 * @throws DISK_FULL, SYSTEM when the patch cannot be written
 * @throws INTERRUPTED when `signal` was aborted
 */
export async function diff(options: DiffOptions, context: DiffContext = {}): Promise<DiffReport> {
  const resolved = parseOptions(diffOptions, options, 'diff option')
  parseOptions(diffContext, context, 'context')
  const { before, after, patch, overwrite } = resolved
  const a = await openTileSet(before)
  try {
    const b = await openTileSet(after)
    try {
      const place = { path: patch ?? '', who: 'diff', overwrite, inputs: [before, after] }
      const writer = patch === undefined ? undefined : new PatchWriter(place)
      try {
        return await new Comparison(a, b, writer, context).run(resolved)
      } catch (error) {
        writer?.abandon()
        throw error
      }
    } finally {
      b.close()
    }
  } finally {
    a.close()
  }
}

class Comparison {
  readonly #began = performance.now()
  readonly #a: TileSet
  readonly #b: TileSet
  readonly #writer: PatchWriter | undefined
  readonly #onDifference: ((difference: TileDifference) => void) | undefined
  readonly #turns: Turns
  readonly #meter: TransferMeter
  readonly #tally = new ChangeTally()
  readonly #ofA = new Seen()
  readonly #ofB = new Seen()

  constructor(a: TileSet, b: TileSet, writer: PatchWriter | undefined, context: DiffContext) {
    this.#a = a
    this.#b = b
    this.#writer = writer
    this.#onDifference = unawaited('onDifference', context.onDifference)
    this.#turns = new Turns(context.signal, 'Interrupted; no patch was written.')
    const total = [...a.levels(), ...b.levels()].reduce((sum, { count }) => sum + count, 0)
    this.#meter = new TransferMeter(total, unawaited('onProgress', context.onProgress))
  }

  async run({ before, after, patch, allowEmpty }: DiffOptions): Promise<DiffReport> {
    for (const pair of inPairs(entriesOf(this.#a), entriesOf(this.#b))) {
      this.#look(pair)
      if (!this.#turns.isDue()) continue
      this.#update('tiles')
      await this.#turns.give()
    }
    this.#turns.check()
    const about = { a: this.#ofA.aboutOf(this.#a), b: this.#ofB.aboutOf(this.#b) }
    const names = namesOfDifferences(about.a, about.b)
    const totals = this.#tally.totals
    const areTilesSame = totals.added + totals.changed + totals.removed === 0
    const sources = sourcesAfter(this.#a, this.#b)
    const same = areTilesSame && names.length === 0 && sources === undefined
    const isWritten = this.#writer !== undefined && (!same || allowEmpty === true)
    this.#update('finish')
    if (isWritten) this.#finish(names.length > 0, about.b.metadata, [before, after], sources)
    else this.#writer?.abandon()
    this.#update('done')
    return {
      before: { path: before, ...this.#ofA.state },
      after: { path: after, ...this.#ofB.state },
      same,
      ...totals,
      levels: this.#tally.levels,
      metadata: areTilesSame ? names : names.filter((name) => !FOLLOWING.has(name)),
      sources: sources !== undefined,
      patch: isWritten ? { path: patch!, fileBytes: statSync(patch!).size } : undefined,
      seconds: (performance.now() - this.#began) / 1000,
    }
  }

  #look({ a, b }: Pair<TileEntry, TileEntry>): void {
    if (a !== undefined) this.#ofA.add(a)
    if (b !== undefined) this.#ofB.add(b)
    if (a === undefined) this.#put(b, 'added')
    else if (b === undefined) {
      this.#writer?.remove(a.key)
      this.#note(a.key, 'removed')
    } else if (!isSameTile(this.#a, a, this.#b, b)) this.#put(b, 'changed')
  }

  #put(entry: TileEntry, change: TileChange): void {
    this.#writer?.put(entry.key, settledBytesOf(this.#b, entry), entry.type)
    this.#note(entry.key, change)
  }

  #note(key: number, change: TileChange): void {
    this.#tally.add(key, change)
    if (this.#onDifference === undefined) return
    const [z, x, y] = tileIdToZxy(key)
    this.#onDifference({ z, x, y, change })
  }

  #finish(
    hasMetadata: boolean,
    shown: Record<string, unknown>,
    names: [string, string],
    sources: readonly SourceRecord[] | undefined,
  ): void {
    const { metadata, bounds, center } = aboutForPatch(this.#b, this.#ofB.extent, this.#ofB.minZoom)
    const about = { metadata: hasMetadata ? metadata : undefined, bounds, center }
    this.#writer!.finish(this.#ofA.state, { ...this.#ofB.state, ...about }, names, shown, sources)
  }

  #update(phase: 'tiles' | 'finish' | 'done'): void {
    const [a, b] = [this.#ofA, this.#ofB]
    this.#meter.update(phase, a.state.tiles + b.state.tiles, a.bytes + b.bytes)
  }
}

/** The sources of the second archive, if both can have some and they differ. */
function sourcesAfter(a: TileSet, b: TileSet): readonly SourceRecord[] | undefined {
  if (!(a instanceof FlatReader) || !(b instanceof FlatReader)) return undefined
  const after = b.sources()
  return isDeepStrictEqual(a.sources(), after) ? undefined : after
}

/** Metadata that change with the tiles. */
const FOLLOWING = new Set(['bounds', 'center'])

/** What was seen of one archive. */
class Seen {
  readonly #digest = new TilesDigest()
  bytes = 0
  minZoom = 0
  /** Of the deepest zoom so far. */
  extent: Extent | undefined

  add({ key, type, length, crc }: TileEntry): void {
    this.#digest.add(key, type, length, crc)
    this.bytes += length
    const [z, x, y] = tileIdToZxy(key)
    if (this.extent === undefined) this.minZoom = z
    this.extent = withTile(this.extent?.zoom === z ? this.extent : undefined, z, x, y)
  }

  get state(): { readonly tiles: number; readonly digest: string } {
    return { tiles: this.#digest.tiles, digest: this.#digest.hex }
  }

  aboutOf(tiles: TileSet): ReturnType<typeof aboutOf> {
    return aboutOf(tiles, this.extent, this.minZoom)
  }
}
