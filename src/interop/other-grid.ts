// Detects tiles in a grid other than web mercator, from the metadata beside them. Shown as web mercator, they would
// silently be in the wrong places.
import { FlagstoneError } from '../errors.js'
import { WORLD_METRES } from '../grid/tiles/mercator.js'
import { childOf, childrenOf, parseDocument, textOf } from '../raster/place/xml.js'

/** EPSG, ESRI and OSGeo codes, and names, of web mercator. */
const MERCATOR = /\b(3857|3785|900913|102100|102113|41001)\b|(pseudo|web|spherical)[-_ ]?mercator/i
const MERCATOR_PROFILES = new Set(['mercator', 'global-mercator'])
const PROFILES: Readonly<Record<string, string>> = {
  geodetic: 'of degrees (EPSG:4326)',
  'global-geodetic': 'of degrees (EPSG:4326)',
  raster: "of the image's own pixels",
}

/** The contents of a tilemapresource.xml (TMS, as written by gdal2tiles). */
export interface TileMapResource {
  /** A grid other than web mercator, in words. */
  readonly otherGrid: string | undefined
  readonly metadata: Record<string, unknown>
}

/** Parses the text of the file. If it cannot be parsed, it says nothing. */
export function readTileMapResource(text: string, path: string): TileMapResource {
  try {
    const root = parseDocument(text, path)
    const sets = childOf(root, 'TileSets')
    const claimed = gridClaimed(sets?.attributes['profile'], textOf(root, 'SRS'))
    const box = childOf(root, 'BoundingBox')?.attributes
    const bounds = ['minx', 'miny', 'maxx', 'maxy'].map((side) => Number(box?.[side] ?? Number.NaN))
    const isDegrees = bounds.every((value) => Math.abs(value) <= 360)
    return {
      otherGrid: claimed ?? (sets === undefined ? undefined : gridOfSteps(childrenOf(sets, 'TileSet'))),
      metadata: Object.fromEntries(
        Object.entries({
          name: textOf(root, 'Title') || undefined,
          description: textOf(root, 'Abstract') || undefined,
          bounds: isDegrees ? bounds : undefined,
        }).filter(([, value]) => value !== undefined),
      ),
    }
  } catch {
    return { otherGrid: undefined, metadata: {} }
  }
}

/** The grid that the metadata of a folder or an MBTiles archive state, if it is not web mercator. */
export function otherGridOf(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const text = (key: string): string | undefined => {
    const value = metadata[key]
    return typeof value === 'string' ? value : undefined
  }
  return gridClaimed(text('profile'), text('crs') ?? text('srs'))
}

export const inOtherGrid = (path: string, grid: string): FlagstoneError =>
  new FlagstoneError(
    'NOT_A_TILE_FILE',
    `${path} has tiles in another grid than web mercator: ${grid}. Build from the original image, or create the tiles in web mercator (gdal2tiles --profile=mercator).`,
    { path },
  )

function gridClaimed(profile: string | undefined, crs: string | undefined): string | undefined {
  const named = profile?.trim().toLowerCase() ?? ''
  if (MERCATOR_PROFILES.has(named)) return undefined
  if (PROFILES[named] !== undefined) return `its profile is ${named}, a grid ${PROFILES[named]}`
  const code = crs?.trim() ?? ''
  return code === '' || MERCATOR.test(code) ? undefined : `its coordinate system is ${code.slice(0, 60)}`
}

/** Checks the metres per pixel of each zoom: for web mercator they are the world's width divided by powers of two. */
function gridOfSteps(sets: readonly { readonly attributes: Record<string, string> }[]): string | undefined {
  for (const { attributes } of sets) {
    const step = Number(attributes['units-per-pixel'] ?? Number.NaN)
    if (!(step > 0)) continue
    const power = Math.log2(WORLD_METRES / 256 / step)
    if (Math.abs(power - Math.round(power)) > 0.01) return `one of its pixels is ${step} units wide`
  }
  return undefined
}
