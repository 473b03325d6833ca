// Reads one source for one rectangle, part by part. While a part is warped, the next one is read.
import type { Loss, ReadPixels } from '../../raster/losses.js'
import { pixelMemory } from '../../raster/simd.js'
import type { RasterSource } from '../../raster/source.js'
import {
  planWarp,
  type WarpOptions,
  type WarpPart,
  type WarpPlan,
  type WarpTarget,
} from '../../raster/warp/warp-plan.js'
import type { SourceSet } from '../sources/source-set.js'

export interface ReadPart {
  readonly plan: WarpPlan
  readonly part: WarpPart
  readonly pixels: ReadPixels
  /** Whether this is the last part of the rectangle. */
  readonly isLast: boolean
}

/** A promise that never rejects: it resolves to the value or the error. */
type Settling<T> = Promise<{ value: T } | { error: unknown }>

const settling = <T>(promise: Promise<T>): Settling<T> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

export class Reading {
  readonly #sources: SourceSet
  readonly #source: number
  readonly #target: WarpTarget
  readonly #options: WarpOptions
  #plan: WarpPlan | undefined
  #at = 0
  #isHeld = false
  #next: Settling<ReadPixels | undefined>
  /** Parts that could not be read so far. */
  readonly lost: Loss[] = []

  /** Begins to read at once. */
  constructor(sources: SourceSet, source: number, target: WarpTarget, options: WarpOptions) {
    this.#sources = sources
    this.#source = source
    this.#target = target
    this.#options = options
    this.#next = settling(this.#first())
  }

  async #first(): Promise<ReadPixels | undefined> {
    const source = await this.#acquire()
    if (source === undefined) return undefined
    this.#isHeld = true
    this.#plan = planWarp(source.info, this.#target, this.#options)
    if (this.#plan === undefined) return undefined
    const { level, window } = this.#plan.parts[0]!
    return source.read(level, window, pixelMemory())
  }

  /** Undefined when it cannot be opened and damage is allowed. */
  async #acquire(): Promise<RasterSource | undefined> {
    try {
      return await this.#sources.acquire(this.#source)
    } catch (error) {
      this.lost.push(this.#sources.lossOf(this.#source, error))
      return undefined
    }
  }

  async #read(part: WarpPart): Promise<ReadPixels | undefined> {
    const source = await this.#acquire()
    if (source === undefined) return undefined
    try {
      return await source.read(part.level, part.window, pixelMemory())
    } finally {
      this.#sources.release(this.#source)
    }
  }

  /** The next part; undefined when there is none. @throws as openSource, planWarp and RasterSource.read */
  async next(): Promise<ReadPart | undefined> {
    const plan = this.#plan
    if (plan !== undefined && this.#at >= plan.parts.length) return undefined
    const read = await this.#next
    if ('error' in read || read.value === undefined) {
      this.#let()
      if ('error' in read) throw read.error
      return undefined
    }
    const { parts } = this.#plan!
    const part = parts[this.#at++]!
    const isLast = this.#at === parts.length
    if (read.value.lost !== undefined) this.lost.push(...read.value.lost)
    if (isLast) this.#let()
    else this.#next = settling(this.#read(parts[this.#at]!))
    return { plan: this.#plan!, part, pixels: read.value, isLast }
  }

  #let(): void {
    if (this.#isHeld) this.#sources.release(this.#source)
    this.#isHeld = false
  }

  /** Waits until no reads are in progress. */
  async cancel(): Promise<void> {
    await this.#next
    this.#let()
  }
}
