// The options of a build, checked once where they come in. The code inside trusts the types.
import { z } from 'zod'
import { badType } from '../errors.js'
import { notDegrees } from '../grid/tiles/degrees.js'
import { RESAMPLINGS, type Resampling } from '../raster/pixels.js'
import { TERRAIN_ENCODINGS, type TerrainEncoding } from '../raster/tiles/terrain.js'
import { didYouMean } from '../store/nearest.js'
import { complaint, type Given, pathText } from '../store/options.js'
import { bands, nodata, polygons, sourceGiven, sources, zoom } from './source-options.js'
import { terrainContradiction } from './terrain-options.js'

/** Pieces that are blended are 1024 pixels wide; wider edges would cost more than all else. */
const MAX_FEATHER = 1024
const kernel = z.enum(RESAMPLINGS as [Resampling, ...Resampling[]])

const quality = z.int().min(1).max(100)
const byte = z.number().min(0).max(255)
const colour = z.tuple([byte, byte, byte])
const range = z
  .tuple([z.number(), z.number()])
  .refine(([min, max]) => min !== max, 'min and max are the same')
const rescale = z
  .union(
    [z.literal('auto'), range, z.array(range).min(1)],
    "expected 'auto', [min, max] or a list of these, with different min and max",
  )
  .transform((value): 'auto' | [number, number][] => {
    if (value === 'auto') return value
    return typeof value[0] === 'number' ? [value as [number, number]] : (value as [number, number][])
  })
const colormapStop = z.union([colour, z.tuple([byte, byte, byte, byte])])

const degrees = z.number()
const bbox = z
  .tuple([degrees, degrees, degrees, degrees])
  .refine(([, south, , north]) => south < north, 'south must be less than north')
  .refine(([west, , east]) => west !== east, 'west and east are the same')
  .refine((values) => notDegrees(values) === undefined, {
    error: ({ input }) => notDegrees(input as [number, number, number, number]),
  })

const buildShape = {
  /**
   * Paths of the images; also folders, globs, URLs, lists of sources (GeoJSON, STAC, CSV) and @list.txt, see
   * pyramid/README.md. An object gives a source properties: { location, priority, nodata … }.
   */
  sources,
  /** The tile file to create. */
  out: pathText,
  /** Lowest and highest zoom, [min, max], or a single zoom. minZoom and maxZoom override it. */
  zoom: z.union([zoom, z.tuple([zoom, zoom])]).optional(),
  /** Lowest zoom. Default: the highest at which one tile covers all sources. */
  minZoom: zoom.optional(),
  /** Highest zoom. Default: from the resolution of the finest source, see zoomLevelStrategy. */
  maxZoom: zoom.optional(),
  /**
   * 'native': each source is built to the zoom of its own resolution, so coarse sources get no tiles that only enlarge
   * them. 'uniform': all are built to the highest zoom. Default: 'native', or 'uniform' if a highest zoom is given.
   */
  depth: z.enum(['native', 'uniform']).optional(),
  /**
   * Build zoom levels beyond the resolution of the image even if they have more than a million tiles. Default: false.
   */
  oversample: z.boolean().default(false),
  /** Highest zoom when the resolution is between two zoom levels: the nearer, the lower or the upper one. Default: 'auto'. */
  zoomLevelStrategy: z.enum(['auto', 'lower', 'upper']).default('auto'),
  /** Resampling kernel of the warp. Default: 'bilinear'. */
  resampling: kernel.default('bilinear'),
  /** Resampling kernel of the overviews. Default: 'average'. */
  overviewResampling: kernel.default('average'),
  /** Bands to show, counted from 1: one, or three. Default: 1, 2, 3, or 1 if the image has fewer than three. */
  bands: bands.optional(),
  /**
   * Values shown as black and white: one [min, max] for all bands, or one per band. 'auto' uses the 2nd and 98th
   * percentile. Default: 8-bit images are not stretched, others 'auto'; the report's notes give the range.
   */
  rescale: rescale.optional(),
  /** Applied after rescale, out = in^(1/gamma): above 1 is brighter. Default: 1. */
  gamma: z.number().gt(0, 'expected a number above 0').max(100).default(1),
  /**
   * Colours for the values of one band: a name (see COLORMAPS), the path of a text file in the format of gdaldem
   * color-relief or of a JSON file {"value": [r, g, b, a]}, or such an object.
   */
  colormap: z
    .union(
      [z.string().min(1, 'it is empty'), z.record(z.string(), colormapStop)],
      'expected a name, a path or { value: [red, green, blue] }',
    )
    .optional(),
  /**
   * Colours between the colormap's values: 'linear' interpolates, 'lower' takes that of the next lower value, 'exact'
   * shows none. Default: linear; exact for JSON.
   */
  colormapMode: z.enum(['linear', 'lower', 'exact']).optional(),
  /**
   * Build heights instead of colours, from one band (`bands`, default the first). 'mapbox' (steps of 0.1 m) and
   * 'terrarium' (1/256 m) are terrain-RGB, stored as lossless WebP or (format 'png') PNG. 'int16' and 'float32' store
   * numbers, see formats/elevation-1.md. Overviews average the heights, never their colours.
   */
  terrain: z.enum(TERRAIN_ENCODINGS as [TerrainEncoding, ...TerrainEncoding[]]).optional(),
  /** Pixels without a height: transparent (default), this height, or 'parent': filled from the levels above. */
  terrainNodata: z.union([z.enum(['transparent', 'parent']), z.number()]).optional(),
  /** int16: step between stored heights, metres; default 0.25. */
  terrainStep: z.number().gt(0, 'expected a number above 0').max(1e6).optional(),
  /** int16: the height stored as 0, metres; default 2500. */
  terrainOffset: z.number().min(-1e6).max(1e6).optional(),
  /**
   * Unit of the source heights, used instead of their own: metres, feet, US survey feet, or the number of metres in one
   * unit.
   */
  terrainUnit: z
    .union([z.enum(['m', 'ft', 'us-ft']), z.number().gt(0, 'expected a number above 0').max(1e6)])
    .optional(),
  /** Tile format. 'auto' uses JPEG for opaque tiles and transparentFormat for others. Default: 'auto'. */
  format: z
    .enum(['auto', 'jpeg', 'jpg', 'png', 'webp', 'avif'])
    .transform((f) => (f === 'jpg' ? 'jpeg' : f))
    .default('auto'),
  /** Format of tiles that are not opaque, with format 'auto'. Default: 'webp'. */
  transparentFormat: z.enum(['webp', 'png']).default('webp'),
  /** 1 to 100, or by zoom: { default: 75, byZoom: { 14: 50 } }. Default: 75; AVIF: 60. */
  quality: z
    .union(
      [
        quality,
        z.strictObject({
          default: quality.optional(),
          byZoom: z
            .record(z.string().regex(/^(1?\d|2[0-6])$/, 'expected zoom levels from 0 to 26'), quality)
            .optional(),
        }),
      ],
      'expected 1 to 100, or { default, byZoom: { zoom: quality } }',
    )
    .optional(),
  /** Use lossless WebP, PNG or AVIF. Default: false. */
  lossless: z.boolean().default(false),
  /** false: ignore alpha bands and masks. No tile is transparent then; the background shows. */
  alpha: z.boolean().optional(),
  /** Red, green, blue shown where a tile cannot be transparent. Default: [255, 255, 255]. */
  background: z
    .tuple([z.int().min(0).max(255), z.int().min(0).max(255), z.int().min(0).max(255)])
    .default([255, 255, 255]),
  /** Store no tiles that show only the background; fully transparent tiles are never stored. Default: false. */
  skipBlank: z.boolean().default(false),
  /** Tile width and height, pixels. Default: 256. */
  tileSize: z.union([z.literal(256), z.literal(512)], 'expected 256 or 512').default(256),
  /** West, south, east, north, degrees; west > east crosses the antimeridian. The output is cut to the pixel. */
  bbox: bbox.optional(),
  /**
   * Values or colours that are treated as nodata, instead of those of the files: one value for all bands, [r, g, b], or
   * a list of such colours. NaN is a value; [] means none.
   */
  nodata: nodata.optional(),
  /**
   * Where sources overlap: the first is on top, the last is on top (as in gdalwarp), or they are blended near their
   * edges.
   * Default: 'last'.
   */
  blend: z.enum(['first', 'last', 'feather']).default('last'),
  /** Number of pixels from its edge over which a source fades in, with blend 'feather'. Default: 64. */
  feather: z.number().min(1).max(MAX_FEATHER, `expected at most ${MAX_FEATHER} pixels`).optional(),
  /**
   * What decides which of several sources is on top: the order in which they were given (`blend` says whether the first
   * or the last is on top), the resolution ('finest' is on top) or the date ('newest' is on top; sources without a date
   * are below all others). Among equals the order given decides. A higher `priority` of a source always wins.
   * Default: 'given'.
   */
  order: z.enum(['given', 'finest', 'newest']).default('given'),
  /**
   * Leave out what cannot be read, and list it in the report: sources that cannot be opened, unless all fail
   * (`skipped`), and damaged parts of images, which stay empty (`damaged`). Default: false.
   */
  skipUnreadable: z.boolean().default(false),
  /** Build only inside these polygons: the path of a GeoJSON file, or a GeoJSON object. */
  cutline: polygons.optional(),
  /** Number of pixels of the highest zoom over which the image fades in from the cutline inwards. Default: 0. */
  cutlineBlend: z.number().min(0).max(1000, 'expected at most 1000 pixels').default(0),
  /** CRS of the sources, used instead of their own: a code, PROJ string, WKT or PROJJSON. */
  crs: z.string().min(1, 'it is empty').optional(),
  /** Worker threads; default: one per core. 0: do all work in the calling thread. */
  threads: z.int().min(0).max(256).optional(),
  /** Most memory to use, bytes; default: 150 MB + 238 MB per thread. */
  memLimit: z
    .number()
    .min(256 * 2 ** 20, 'a build needs at least 256 MB')
    .optional(),
  /** Continue an interrupted build; with overwrite: start again if there is none. Default: false. */
  resume: z.boolean().default(false),
  /**
   * With resume: continue even if sources were repaired or replaced meanwhile. Finished tiles stay; the others are
   * built from the sources as they are now.
   * Default: false.
   */
  acceptChanged: z.boolean().default(false),
  /** Replace an existing file, once the new one is complete. Default: false. */
  overwrite: z.boolean().default(false),
  /** Seconds between commits: a crash loses at most this much work. Default: 5. */
  commitEverySeconds: z.number().min(0).default(5),
  /** Name of the map. Stored in the metadata. */
  name: z.string().optional(),
  /** Description of the map. Stored in the metadata. */
  description: z.string().optional(),
  /** Shown with the map; may be HTML. Stored in the metadata. */
  attribution: z.string().optional(),
  /** Whether the map is shown over another map or is a base map itself. Stored in the metadata. */
  type: z.enum(['overlay', 'baselayer']).optional(),
  /** Other metadata. Default: none. */
  metadata: z.record(z.string(), z.unknown()).default({}),
  /** Store identical tiles only once. Default: true. */
  dedupe: z.boolean().default(true),
}

export const buildOptions = z
  .strictObject(buildShape)
  .refine((o) => !(o.lossless && o.format === 'jpeg'), {
    path: ['lossless'],
    error: 'JPEG cannot be lossless: choose webp, png, avif or auto',
  })
  .refine((o) => !(o.alpha === true && o.format === 'jpeg'), {
    path: ['alpha'],
    error: 'JPEG has no alpha: choose auto, webp, png or avif',
  })
  .refine((o) => !(o.colormap !== undefined && o.bands !== undefined && o.bands.length !== 1), {
    path: ['colormap'],
    error: 'a colormap is for one band: choose one with bands',
  })
  .refine((o) => !(o.cutlineBlend > 0 && o.cutline === undefined), {
    path: ['cutlineBlend'],
    error: 'cutlineBlend needs a cutline',
  })
  .refine((o) => o.feather === undefined || o.blend === 'feather', {
    path: ['feather'],
    error: "feather is the width of blend 'feather': use it with that (--blend feather --feather PX)",
  })
  .refine((o) => o.resume || !o.acceptChanged, {
    path: ['acceptChanged'],
    error:
      'acceptChanged continues a build whose sources have changed: use it with resume (--resume --accept-changed)',
  })
  .check((context) => {
    const found = terrainContradiction(context.value)
    if (found === undefined) return
    context.issues.push({ code: 'custom', path: [found.path], message: found.error, input: context.value })
  })

/** What to build, from which sources, and how. Only `sources` and `out` are required. */
export interface BuildOptions extends Given<typeof buildShape> {}
export type ResolvedBuildOptions = z.output<typeof buildOptions> & {
  /** Options that were given. The others are defaults, which the sources may override. */
  readonly asked?: ReadonlySet<string>
}

/**
 * Checks and completes the options of a build.
 * @throws TypeError, RangeError when a field is wrong; the message names it and suggests a name for a misspelled one
 */
export function parseBuildOptions(value: unknown): ResolvedBuildOptions {
  const result = buildOptions.safeParse(value)
  if (result.success) {
    const given = Object.entries(value as object).filter(([, one]) => one !== undefined)
    return { ...result.data, asked: new Set(given.map(([key]) => key)) }
  }
  const issue = result.error.issues[0]!
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const isOfSource = issue.path[0] === 'sources'
    const hint = didYouMean(key, Object.keys(isOfSource ? sourceGiven.shape : buildOptions.shape))
    throw badType(`${isOfSource ? 'a source' : 'build'} has no option '${key}'${hint}`)
  }
  const path = pathWithin(value, issue.path)
  const field = path.map(String).join('.')
  throw complaint(
    { ...issue, path },
    value,
    field === '' ? `build: ${issue.message}` : `build option ${field}: ${issue.message}`,
  )
}

/** The part of a path that lies in what was given: a source that is given as a text has no fields. */
function pathWithin(value: unknown, path: readonly PropertyKey[]): PropertyKey[] {
  let found = value
  const within: PropertyKey[] = []
  for (const key of path) {
    if (typeof found !== 'object' || found === null) break
    within.push(key)
    found = (found as Record<PropertyKey, unknown>)[key]
  }
  return within
}
