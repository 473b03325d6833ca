// The options of the server, checked once where they come in.
import { z } from 'zod'
import { type Given, isReader, pathText } from '../store/options.js'

const MIB = 1024 * 1024

const hook = z.custom<() => void>((value) => typeof value === 'function', 'expected a function')

/** What is answered where a source has no tile. */
export const MISSING = ['auto', '204', '404', 'transparent', 'overzoom'] as const
const missingPolicy = z.enum(MISSING)
/**
 * What is answered where a source has no tile: 'auto' and 'overzoom' enlarge the nearest stored tile above, or answer 204
 * when there is nothing to enlarge; '204' is an empty answer, '404' an error, and 'transparent' a tile without a picture.
 */
export type MissingPolicy = z.output<typeof missingPolicy>

/**
 * What `?missing=` may be. 'auto-transparent': as 'auto', with a transparent tile instead of the 204. WMTS needs that: its
 * clients take an empty answer for an error.
 */
export const askedPolicy = z.enum([...MISSING, 'auto-transparent'])
export type AskedPolicy = z.output<typeof askedPolicy>

/** Whether the nearest stored tile above is enlarged. */
export const doesEnlarge = (policy: AskedPolicy): boolean =>
  policy === 'auto' || policy === 'auto-transparent' || policy === 'overzoom'

/** Limits on what a client can make the server do. */
const limitsShape = {
  /** Pixels of one picture (bbox, static, other tile sizes). Default: 4096 × 4096. */
  pixels: z
    .int()
    .min(65_536)
    .default(4096 * 4096),
  /** Jobs that compute at once. Default: 4. */
  jobs: z.int().min(1).default(4),
  /**
   * Jobs that wait for their turn; more are answered 503. Default: 256: over HTTP/2 one map on a large screen asks for more
   * than a hundred tiles at once, which may all have to be enlarged.
   */
  waiting: z.int().min(0).default(256),
  /** Of one job, waiting included, milliseconds: then 503. Default: 15,000. */
  jobMs: z.int().min(1).default(15_000),
  /** Bytes of computed answers kept. Default: 128 MiB. */
  cacheBytes: z
    .int()
    .min(0)
    .default(128 * MIB),
  /** Points of one query, samples of one profile. Default: 10,000. */
  points: z.int().min(1).default(10_000),
  /** Bytes of a request's body. Default: 1 MiB. */
  bodyBytes: z.int().min(0).default(MIB),
}

export const serverLimits = z.strictObject(limitsShape)
/** Limits on what clients can make the server do. */
export interface ServerLimits extends z.output<z.ZodObject<typeof limitsShape, z.core.$strict>> {}

/** A name, an address, or '.name' or '*.name' for a domain; '*'. */
export const ALLOWED_HOST = /^(?:\*|(?:\*?\.)?[\w-][\w.-]*|\[[\da-f:.]+\])$/i

const serverShape = {
  /** For sources without their own policy. Default: 'auto'. */
  missing: missingPolicy.default('auto'),
  /** Access-Control-Allow-Origin: '*', or the origins that may; none when empty. Default: ['*']. */
  cors: z.array(z.string()).default(['*']),
  /** Where the world sees us, 'https://tiles.example.org/maps'; otherwise taken from the request. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** The path we are mounted at, '/maps'; '' at the root. Default: ''. */
  basePath: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, "expected '/a/path' without a slash at its end")
    .default(''),
  /** Believe X-Forwarded-Proto, -Host, -Port, -Prefix and -For, or Forwarded (RFC 7239). Default: false. */
  trustProxy: z.boolean().default(false),
  /**
   * Names by which the server may be asked ('tiles.example.org', '.example.org' with all below it, '127.0.0.1',
   * '[::1]'); requests for others are answered 403. '*', or undefined: any.
   */
  allowedHosts: z
    .array(z.string().regex(ALLOWED_HOST, 'expected a host name or address without a port'))
    .optional(),
  /** Cache-Control of what has no version in its URL. Default: 'public, max-age=60, stale-while-revalidate=3600'. */
  cacheControl: z
    .string()
    .regex(/^[\x20-\x7e]*$/, 'expected one line of ASCII')
    .default('public, max-age=60, stale-while-revalidate=3600'),
  /** Convert tiles to the requested format; otherwise they are sent as they are stored. Default: false. */
  transcode: z.boolean().default(false),
  /** Pick up files that are added, changed or removed. Default: false. */
  watch: z.boolean().default(false),
  /** Seconds between checks, for file systems that do not report changes. Default: 2. */
  watchSeconds: z.number().min(0.05).max(3600).default(2),
  /** Folders in a given folder that are looked into, one in the other. Default: 1. */
  folderDepth: z.int().min(0).max(16).default(1),
  /**
   * Files open at once; of more, those used longest ago are closed and opened again when they are asked for.
   * Default: 256.
   */
  openFiles: z.int().min(1).default(256),
  /** Limits on what clients can make the server do, see ServerLimits. */
  limits: serverLimits.prefault({}),
}

export const serverOptions = z.strictObject(serverShape)
/** How a server answers. */
export interface ServerOptions extends Given<typeof serverShape> {}
export type ResolvedServerOptions = z.output<typeof serverOptions>

/** Functions, which are not copied with the other options. */
export const serverHooks = z.strictObject({
  onError: hook.optional(),
  onAnswer: hook.optional(),
  onSource: hook.optional(),
  otherMetrics: hook.optional(),
})

/** What is served, when it is more than a path. */
export const sourceObject = z.strictObject({
  id: z.string().optional(),
  path: pathText.optional(),
  reader: z.custom<object>(isReader, 'expected an open reader').optional(),
  missing: missingPolicy.optional(),
})
