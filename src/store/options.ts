// The options of the store, checked once where they come in; the code inside trusts the types.
import { z } from 'zod'
import { type ArgumentError, badRange, badType, wrongType } from '../errors.js'
import { MAX_VALUE_BYTES } from '../format/layout.js'
import { MAX_ZOOM } from '../zooms.js'
import { didYouMean } from './nearest.js'

const MIB = 1024 * 1024

/**
 * What callers may pass where a schema of this shape is expected. Editors show the comments on the fields of the shape;
 * those on the types of schemas are lost. Public options are interfaces that extend this type, because editors show an
 * interface by name and expand a type.
 */
export type Given<S extends z.ZodRawShape> = Told<z.input<z.ZodObject<S, z.core.$strict>>>

type Told<T> = { [K in keyof T]: Kept<T[K]> }
/** Lists are readonly, so that those of a report can be passed back as options. */
type Kept<T> = T extends readonly unknown[] ? { readonly [K in keyof T]: Kept<T[K]> } : T

const levelShape = {
  zoom: z.int().min(0).max(MAX_ZOOM),
  /** Expected number of tiles of this level. Its index is laid out for that many, so that it need not grow. */
  expectedTiles: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
}

const levelHint = z.strictObject(levelShape)

const writerShape = {
  /**
   * Levels whose index is laid out at creation. Other levels get one on first use, and any level may outgrow its hint.
   * Default: none.
   */
  levels: z.array(levelHint).default([]),
  /**
   * Store identical values once. The table is bounded, so identical values far apart may be stored twice.
   * Default: true.
   */
  dedupe: z.boolean().default(true),
  /**
   * How an index region grows: in place ('insert', by INSERT_RANGE), by moving to the end of the file ('relocate'), or
   * by whichever works ('auto'). Default: 'auto'.
   */
  growth: z.enum(['auto', 'insert', 'relocate']).default('auto'),
  /** Commit automatically after this many bytes of values; 0: only when `commit` is called. Default: 256 MiB. */
  commitBytes: z
    .number()
    .min(0)
    .default(256 * MIB),
  /** Commit automatically when the last commit is this many seconds old; 0: only when `commit` is called. Default: 0. */
  commitSeconds: z.number().min(0).default(0),
  /** Bytes of values buffered before they are written. Default: 4 MiB. */
  stagingBytes: z
    .int()
    .min(4096)
    .max(256 * MIB)
    .default(4 * MIB),
  /**
   * Whether values stay in the page cache. 'keep' keeps them. 'drop' writes them with direct I/O in another thread,
   * which is fastest for very large files. 'auto' keeps the first 32 MB of a session and drops the rest.
   * Default: 'auto'.
   */
  cache: z.enum(['keep', 'drop', 'auto']).default('auto'),
  /**
   * Initial size of an index region that is not listed in `levels`, rounded up to the growth unit.
   * Default: 16,384.
   */
  initialRegionBytes: z.int().min(24).default(16384),
  /**
   * A commit merges the out-of-order tail of a level when it has more records than max(this, sorted / 8).
   * Default: 16,384.
   */
  tailRecords: z.int().min(1).max(1048576).default(16384),
}

export const writerOptions = z.strictObject(writerShape)

/** How a writer works. All have defaults that suit most files. */
export interface WriterOptions extends Given<typeof writerShape> {}
export type ResolvedWriterOptions = z.output<typeof writerOptions>

const readerShape = {
  /** 'mmap' reads through mappings where the file can be mapped; 'buffered' uses positioned reads. Default: 'mmap'. */
  mode: z.enum(['mmap', 'buffered']).default('mmap'),
  /**
   * `get` returns views of a sealed file's memory instead of copies, which saves the time of copying. It is for
   * programs that look at very many tiles and keep none. A view shares its ArrayBuffer with up to 1.25 MB of its
   * neighbours: a structured clone (`postMessage`) copies all of it, and it cannot be transferred. If you write to a
   * view, this reader returns your bytes from then on, but the file does not change. If another program truncates the
   * file, reading a view ends the process. The file stays open and mapped until all views are garbage collected.
   * Default: false.
   */
  zeroCopy: z.boolean().default(false),
  /**
   * When a value is compared with its check: the first time this reader returns it, every time, or never.
   * Default: 'first'.
   */
  check: z.enum(['first', 'always', 'never']).default('first'),
  /**
   * Tiles share memory: `bytes.buffer` is a megabyte that holds many of them. This is faster for programs that soon
   * release their tiles and never clone or transfer them. Default: false.
   */
  pooled: z.boolean().default(false),
  /**
   * 'about' estimates the counts of `levels` for foreign archives with very many entries, because an exact count reads
   * every directory. Default: 'exact'.
   */
  levels: z.enum(['exact', 'about']).default('exact'),
  /** Larger tiles are refused with TOO_LARGE. Default: 2 GiB, the largest tile of a Flagstone file. */
  maxTileBytes: z.int().min(1).max(MAX_VALUE_BYTES).default(MAX_VALUE_BYTES),
  /**
   * How long a synchronous call may block while a writer moves parts of the file to make room for its index,
   * milliseconds. This usually takes milliseconds, and seconds on a busy disk. After that the call fails with LOCKED. 0
   * does not wait. Default: 20.
   */
  busyTimeoutMs: z.number().min(0).default(20),
  /** The same limit for calls that return promises; they wait without blocking. Default: 30,000. */
  waitMs: z.number().min(0).default(30_000),
}

export const readerOptions = z
  .strictObject(readerShape)
  .refine(({ mode, zeroCopy }) => mode === 'mmap' || !zeroCopy, {
    path: ['zeroCopy'],
    error: "views are of mappings, so it needs mode 'mmap'",
  })

/** How a reader works. All have defaults that suit most programs. */
export interface ReaderOptions extends Given<typeof readerShape> {}

/** For programs that can afford to block: commands and workers. */
export const PATIENT = { busyTimeoutMs: 30_000 } as const

/** Options for reading a tile in the thread pool. */
export interface GetOptions {
  /** Aborting it rejects the promise with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** Checked by hand rather than by zod, because it runs for every tile. @throws TypeError */
export function checkGetOptions(options: GetOptions): void {
  if (typeof options !== 'object' || options === null)
    throw wrongType('the options of getAsync must be { signal }', options)
  for (const key in options)
    if (key !== 'signal') throw badType(`getAsync has no option '${key}'${didYouMean(key, ['signal'])}`)
  const { signal } = options
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw wrongType('signal must be an AbortSignal', signal)
}

/** Number of bytes after which values bypass the page cache. */
export function behindAfterBytes(cache: ResolvedWriterOptions['cache']): number {
  if (cache === 'auto') return 32 * MIB
  return cache === 'drop' ? 0 : Number.POSITIVE_INFINITY
}

export type ResolvedReaderOptions = z.output<typeof readerOptions>

/** The options of `create`, including those of every writer. */
const createShape = {
  ...writerShape,
  /**
   * Replace an existing tile archive. Other files, and archives that are being written, are never replaced. Readers
   * that have the old archive open keep reading it. Default: false.
   */
  overwrite: z.boolean().default(false),
}

export const createOptions = z.strictObject(createShape)

/** The options of `create`: those of every writer, and whether a file may be replaced. */
export interface CreateOptions extends Given<typeof createShape> {}

const sealShape = {
  /** West, south, east, north, degrees. Computed from the deepest level when absent. */
  bounds: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
  /** Longitude, latitude, zoom. */
  center: z.tuple([z.number(), z.number(), z.number()]).optional(),
  /** Added to the stored metadata, and kept there. */
  metadata: z.record(z.string(), z.unknown()).optional(),
  /** Where PMTiles' directories go: 'front' moves the values by INSERT_RANGE, 'tail' appends them. Default: 'auto'. */
  placement: z.enum(['auto', 'front', 'tail']).default('auto'),
}

export const sealOptions = z.strictObject(sealShape)

/** The options of `seal`. */
export interface SealOptions extends Given<typeof sealShape> {}
export type ResolvedSealOptions = z.output<typeof sealOptions>

/**
 * Applies a schema. The error describes the first issue in one sentence that names the field, and suggests a name for a
 * misspelled one.
 * @throws TypeError when a value has another type or a key is not known
 * @throws RangeError when a value is not allowed
 */
export function parseOptions<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const result = schema.safeParse(value === undefined ? {} : value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const field = issue.path.length > 0 ? `${what}: ${issue.path.map(String).join('.')}` : what
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const hint = didYouMean(key, keysAt(schema, issue.path))
    throw badType(`${field}: there is no '${key}'${hint}`)
  }
  throw complaint(issue, value, `${field}: ${issue.message}`)
}

/** The error for an issue that zod found. */
export function complaint(issue: z.core.$ZodIssue, value: unknown, message: string): ArgumentError {
  let found = value
  for (const key of issue.path) found = (found as Record<PropertyKey, unknown> | undefined)?.[key]
  return isOtherType(issue, found) ? badType(message) : badRange(message)
}

/**
 * A fraction where an integer is expected, and NaN, are numbers out of range, not of another type. A union accepts
 * texts and numbers.
 */
function isOtherType(issue: z.core.$ZodIssue, found: unknown): boolean {
  switch (issue.code) {
    case 'invalid_type':
      return typeof found !== 'number' || !['int', 'number'].includes(issue.expected)
    case 'invalid_value':
    case 'invalid_union':
    case 'custom':
      return typeof found !== 'string' && typeof found !== 'number'
    default:
      return false
  }
}

export function checkPath(path: unknown, name = 'path'): void {
  if (typeof path !== 'string') throw wrongType(`${name} must be a string`, path)
  if (path === '') throw badRange(`${name} must not be empty`)
  if (path.includes('\0')) throw badRange(`${name} must not contain a NUL character`)
}

/** A path in options. */
export const pathText = z
  .string()
  .min(1, 'it is empty')
  .refine((path) => !path.includes('\0'), 'it must not contain a NUL character')

/** A GeoJSON object in options. Not a record: an interface of TypeScript, such as those of @types/geojson, is none. */
export const geoJsonObject = z.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

/** Whether a value looks like an open reader, ours or of a foreign archive. */
export function isReader(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const reader = value as Record<string, unknown>
  return ['get', 'has', 'tiles', 'levels', 'metadata'].every((name) => typeof reader[name] === 'function')
}

/** The keys that a schema allows at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const [first, ...rest] = path
  if (schema instanceof z.ZodObject) {
    const { shape } = schema as z.ZodObject
    return first === undefined ? Object.keys(shape) : keysAt(shape[first as string] as z.ZodType, rest)
  }
  const inside = (schema as { unwrap?: () => z.ZodType }).unwrap?.()
  return inside === undefined ? [] : keysAt(inside, path)
}
