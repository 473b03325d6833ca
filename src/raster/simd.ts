// The hot loops in WebAssembly with SIMD (AssemblyScript sources in wasm/), and their memory.
//
// Each thread has one module and one memory. Arrays from that memory (`take`) are processed in place. For arrays that
// lie elsewhere (see `addressOf`), kernels run the same loops in JavaScript, with bit-identical results.
//
// Invariants: the memory never grows, since that would detach every view of it; untouched pages cost nothing; after
// every taken array there are PADDING bytes that a kernel may read but never write. Without WebAssembly SIMD, or
// without the built module, everything runs in JavaScript and sharp.
import { readFileSync } from 'node:fs'
import { beside } from '../beside.js'
import type { PixelMemory } from './pixels.js'

/** The parts of the WebAssembly API that are used here; Node's types lack them. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Memory {
    constructor(size: { initial: number; maximum: number })
    readonly buffer: ArrayBuffer
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } })
    readonly exports: object
  }
}

/** Addresses and lengths are in bytes. */
interface Kernels {
  bilinear1(src: number, stride: number, out: number, mask: number, count: number, ...line: Line): void
  bilinear3(src: number, stride: number, out: number, mask: number, count: number, ...line: Line): void
  average1(src: number, stride: number, out: number, outStride: number, width: number, height: number): void
  average3(src: number, stride: number, out: number, outStride: number, width: number, height: number): void
  copyRows(
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    rowBytes: number,
    rows: number,
  ): void
  /** 0 or 255 when all bytes have that value, else 1; `rowBytes` is a multiple of 16. */
  coverage(at: number, stride: number, rowBytes: number, rows: number): number
  undo1(data: number, width: number, rows: number): void
  undo3(data: number, width: number, rows: number): void
  undo4(data: number, width: number, rows: number): void
  /** Number of bytes decoded; −1: broken. Writes up to 16 bytes after the end of `out`. See wasm/lzw.ts. */
  lzw(
    input: number,
    inputBytes: number,
    out: number,
    outBytes: number,
    table: number,
    literals: number,
  ): number
  /** 1 when exactly `outLength` bytes were decoded and their checksum is right, else 0. */
  inflate(input: number, inLength: number, out: number, outLength: number): number
  jpegInit(): void
  jpegScan(
    tables: number,
    src: number,
    stride: number,
    bands: number,
    width: number,
    height: number,
    out: number,
    limit: number,
  ): number
}
type Line = [x: number, y: number, stepX: number, stepY: number]

const PAGE_BYTES = 2 ** 16
/**
 * For a thread's windows, canvases and blocks; what does not fit lies outside. The memory is only reserved until it is
 * touched.
 */
const MEMORY_BYTES = 384 * 2 ** 20
/** The module's own tables lie below this address. */
export const JPEG_ADDRESS = 2 * PAGE_BYTES
/** Reserved for tiles/jpeg.ts: encoding must not depend on what else is in the memory. */
export const JPEG_BYTES = 5 * 2 ** 20
const FIRST_ADDRESS = JPEG_ADDRESS + JPEG_BYTES
const ALIGN = 64
const PADDING = 64

export class Simd implements PixelMemory {
  readonly kernels: Kernels
  readonly bytes: Uint8Array
  /** Free ranges by address. No two are adjacent. */
  readonly #free: { at: number; length: number }[]
  readonly #taken = new Map<number, number>()

  constructor(module: WebAssembly.Module) {
    const pages = MEMORY_BYTES / PAGE_BYTES
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const instance = new WebAssembly.Instance(module, { env: { memory } })
    this.kernels = instance.exports as unknown as Kernels
    this.kernels.jpegInit()
    this.bytes = new Uint8Array(memory.buffer)
    this.#free = [{ at: FIRST_ADDRESS, length: MEMORY_BYTES - FIRST_ADDRESS }]
  }

  /** An array with undefined content, in this memory if there is room. */
  take(length: number): Uint8Array {
    const size = Math.ceil((length + PADDING) / ALIGN) * ALIGN
    const i = this.#free.findIndex((range) => range.length >= size)
    if (i < 0) return new Uint8Array(length)
    const range = this.#free[i]!
    const { at } = range
    if (range.length === size) this.#free.splice(i, 1)
    else {
      range.at += size
      range.length -= size
    }
    this.#taken.set(at, size)
    return this.bytes.subarray(at, at + length)
  }

  /** Gives back an array that was taken; ignores any other array. */
  give(array: ArrayBufferView): void {
    if (array.buffer !== this.bytes.buffer) return
    const at = array.byteOffset
    const length = this.#taken.get(at)
    if (length === undefined) return
    this.#taken.delete(at)
    const i = this.#free.findIndex((range) => range.at > at)
    this.#free.splice(i < 0 ? this.#free.length : i, 0, { at, length })
    for (let k = Math.max(0, i < 0 ? this.#free.length - 2 : i - 1); k + 1 < this.#free.length; ) {
      const range = this.#free[k]!
      const next = this.#free[k + 1]!
      if (next.at > at + length) break
      if (range.at + range.length === next.at) {
        range.length += next.length
        this.#free.splice(k + 1, 1)
      } else k++
    }
  }

  /** The address of an array in this memory; -1 when it lies elsewhere. */
  addressOf(array: ArrayBufferView): number {
    return array.buffer === this.bytes.buffer ? array.byteOffset : -1
  }
}

const ORDINARY: PixelMemory = { take: (length) => new Uint8Array(length), give: () => {} }

/** This thread's memory for pixels: that of the kernels where there are any. */
export const pixelMemory = (): PixelMemory => simd() ?? ORDINARY

/** Compiled code, which threads can share: it can be posted to another thread. */
export type KernelModule = object

let compiled: { module: WebAssembly.Module | undefined } | undefined
let loaded: { simd: Simd | undefined } | undefined

/** The module, compiled in this thread or given to it; undefined where there is none. */
export function kernelModule(): KernelModule | undefined {
  compiled ??= { module: compile() }
  return compiled.module
}

/** Makes this thread use a module that another thread compiled. Call it before the kernels are first used. */
export function useKernels(module: KernelModule | undefined): void {
  compiled = { module: module as WebAssembly.Module | undefined }
}

function compile(): WebAssembly.Module | undefined {
  if (process.env.FLAGSTONE_SIMD === '0') return undefined
  try {
    return new WebAssembly.Module(readFileSync(beside('raster/wasm/kernels.wasm')))
  } catch {
    // the module is not built, or the engine has no SIMD
    return undefined
  }
}

/** The kernels of this thread; undefined where there are none. */
export function simd(): Simd | undefined {
  loaded ??= { simd: load() }
  return loaded.simd
}

function load(): Simd | undefined {
  const module = kernelModule()
  try {
    return module && new Simd(module as WebAssembly.Module)
  } catch {
    // not enough address space
    return undefined
  }
}
