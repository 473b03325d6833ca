// The files of a VRT, opened when first needed, with a bounded number open at the same time: the least recently read
// file is closed for the next one, but never while it is being read.
import { FlagstoneError } from '../../errors.js'
import type { Crs } from '../../grid/crs/crs.js'
import { freeDescriptors } from '../../platform/descriptors.js'
import type { RasterSource, SourceView } from '../source.js'
import type { Layer } from './layers.js'
import { corrupt } from './piece.js'

const MAX_OPEN = 32
const MIN_OPEN = 2
/** Free descriptors per file that may be open, because other threads and nested VRTs need some too. */
const DESCRIPTORS_A_FILE = 8

/** How the file of a piece is opened. Plain data. */
export interface NestedOptions {
  readonly nodata: readonly (readonly number[])[]
  readonly crs: Crs
  readonly cacheBytes: number
  readonly view: SourceView
  /** The file needs no position, because the VRT places it. */
  readonly anywhere: boolean
  /** VRTs that contain this one, outermost first. */
  readonly within: readonly string[]
  /** See OpenOptions. */
  readonly skipDamaged: boolean
}

/** Options that all files share. */
type Shared = Pick<NestedOptions, 'crs' | 'cacheBytes' | 'within' | 'skipDamaged'>

export type Opener = (path: string, options: NestedOptions) => Promise<RasterSource>

/** Where a band is found in the pixels that the source returns. */
export interface BandPlace {
  /** Index of the band; 'alpha': the mask. */
  readonly at: number | 'alpha'
  /** For undoing the file's scale and offset, because VRTs consist of stored values. */
  readonly scale: number
  readonly offset: number
}

export interface OpenPiece {
  readonly source: RasterSource
  /** Bands of the pixels that are read. */
  readonly bands: number
  placeOf(band: number): BandPlace
}

interface Entry {
  readonly opening: Promise<OpenPiece>
  users: number
}

/** What the layers need of a file. */
interface Wanted {
  readonly bands: number[]
  mask: boolean
  isByte: boolean
}

export class SourcePool {
  readonly #open: Opener
  readonly #maxOpen = Math.max(
    MIN_OPEN,
    Math.min(MAX_OPEN, Math.floor(freeDescriptors() / DESCRIPTORS_A_FILE)),
  )
  readonly #wanted = new Map<string, Wanted>()
  /** Insertion order is order of use. */
  readonly #entries = new Map<string, Entry>()
  readonly #options: Shared

  constructor(layers: readonly Layer[], open: Opener, options: Shared) {
    this.#open = open
    this.#options = options
    for (const { file, strokes } of layers) {
      const wanted = this.#wanted.get(file) ?? { bands: [], mask: false, isByte: true }
      this.#wanted.set(file, wanted)
      for (const { piece } of strokes) {
        if (piece.useMask || piece.band === 'mask') wanted.mask = true
        if (piece.band === 'mask') continue
        if (!wanted.bands.includes(piece.band)) wanted.bands.push(piece.band)
        if ((piece.dataType ?? 'Byte') !== 'Byte') wanted.isByte = false
      }
    }
    for (const wanted of this.#wanted.values()) {
      if (wanted.bands.length === 0) wanted.bands.push(1)
      wanted.bands.sort((a, b) => a - b)
    }
  }

  get files(): number {
    return this.#wanted.size
  }

  /** Calls `work` with the open file, which stays open until `work` is done. @throws as `open` */
  async use<T>(file: string, work: (open: OpenPiece) => Promise<T>): Promise<T> {
    let entry = this.#entries.get(file)
    if (entry === undefined) entry = { opening: this.#openFile(file), users: 0 }
    else this.#entries.delete(file)
    this.#entries.set(file, entry)
    entry.users++
    try {
      return await work(await entry.opening)
    } catch (error) {
      // a failure is not kept: the next call tries again
      if (
        await entry.opening.then(
          () => false,
          () => true,
        )
      )
        this.#forget(file, entry)
      throw error
    } finally {
      entry.users--
      await this.#closeSurplus()
    }
  }

  #forget(file: string, entry: Entry): void {
    if (this.#entries.get(file) === entry) this.#entries.delete(file)
  }

  async #closeSurplus(): Promise<void> {
    if (this.#entries.size <= this.#maxOpen) return
    for (const [file, entry] of this.#entries) {
      if (entry.users > 0) continue
      this.#entries.delete(file)
      const open = await entry.opening.catch(() => undefined)
      await open?.source.close()
      if (this.#entries.size <= this.#maxOpen) return
    }
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const { opening } of entries) await (await opening.catch(() => undefined))?.source.close()
  }

  async #openFile(file: string): Promise<OpenPiece> {
    const { bands, mask, isByte } = this.#wanted.get(file)!
    return (
      (isByte ? await this.#openBytes(file, bands, mask) : undefined) ?? (await this.#openValues(file, bands))
    )
  }

  /**
   * Opens the file as 8-bit colours, which take a quarter of the memory of values. Undefined when its samples do not
   * allow that.
   */
  async #openBytes(file: string, bands: readonly number[], mask: boolean): Promise<OpenPiece | undefined> {
    const isSoft = bands.length === 2 || bands.length === 4
    const colours = isSoft ? bands.slice(0, -1) : bands
    if (colours.length !== 1 && colours.length !== 3) return undefined
    const isBare = !isSoft && !mask
    const source = await this.#openWith(file, {
      kind: 'colour',
      bands: colours,
      ...(isBare ? { alpha: false } : {}),
    })
    const { type, bits, palette, indexed, hasAlpha, bands: stored } = source.info.stored
    const isNumber = palette || indexed === true
    const isPlain = type === 'uint8' && bits === 8 && !isNumber && source.info.bands === colours.length
    if (!isPlain || (isSoft && !(hasAlpha && bands.at(-1) === stored + 1))) {
      await source.close()
      return undefined
    }
    return {
      source,
      bands: colours.length,
      placeOf: (band) => ({
        at: isSoft && band === bands.at(-1) ? 'alpha' : colours.indexOf(band),
        scale: 1,
        offset: 0,
      }),
    }
  }

  async #openValues(file: string, bands: readonly number[]): Promise<OpenPiece> {
    const source = await this.#openWith(file, { kind: 'values', bands })
    const { scales } = source.info.stored
    return {
      source,
      bands: bands.length,
      placeOf: (band) => {
        const { scale, offset } = scales?.[band - 1] ?? { scale: 1, offset: 0 }
        return { at: bands.indexOf(band), scale: scale === 0 ? 1 : scale, offset }
      },
    }
  }

  async #openWith(file: string, view: SourceView): Promise<RasterSource> {
    try {
      return await this.#open(file, { ...this.#options, anywhere: true, nodata: [], view })
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      const vrt = this.#options.within.at(-1)!
      if (error.code === 'BAD_OPTION') throw corrupt(vrt, error.message.replace(/; pass --bands.*/, ''))
      throw new FlagstoneError(error.code, `${vrt} refers to a file that cannot be used: ${error.message}`, {
        path: file,
        ...(error.errno === undefined ? {} : { errno: error.errno }),
        cause: error,
      })
    }
  }
}
