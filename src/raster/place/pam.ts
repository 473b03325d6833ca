// PAM, GDAL's .aux.xml beside an image: metadata that the image's own format cannot hold (CRS, geotransform, nodata).
import { FlagstoneError } from '../../errors.js'
import type { Crs } from '../../grid/crs/crs.js'
import { crsFromText } from '../../grid/crs/crs-text.js'
import type { ControlPoint, Polynomials } from '../../grid/place/placement.js'
import { atof } from '../gdal-number.js'
import type { Geotransform } from '../source.js'
import { placeByPoints } from './control-points.js'
import { oneLine, readBeside } from './sidecar.js'
import { childOf, childrenOf, numberOf, parseDocument, textOf, type XmlElement } from './xml.js'

/** Large enough for histograms and attribute tables of thousands of classes. */
const MAX_BYTES = 16 * 2 ** 20

export interface PamBand {
  readonly nodata?: number
  readonly scale?: number
  readonly offset?: number
  readonly unit?: string
}

export interface Pam {
  readonly crs?: Crs
  readonly geotransform?: Geotransform
  /** Takes precedence over the geotransform, which is then only the nearest one. */
  readonly polynomials?: Polynomials
  /** By band, from 0; undefined for bands without an entry. */
  readonly bands: readonly (PamBand | undefined)[]
  /** As they are written. */
  readonly date?: string
  readonly copyright?: string
}

/**
 * Reads the .aux.xml beside `path`; undefined when there is none.
 * @throws SOURCE_CORRUPT
 * @throws CRS_UNSUPPORTED when its CRS is not supported, unless `ignoreCrs` is set
 */
export async function readPam(path: string, ignoreCrs = false): Promise<Pam | undefined> {
  const name = `${path}.aux.xml`
  const text = await readBeside(name, MAX_BYTES)
  // other programs write .aux.xml files too
  if (text === undefined || !text.includes('<PAMDataset')) return undefined
  const root = parseDocument(text, name)
  if (root.name !== 'PAMDataset') return undefined
  const placed = placeFromXml(root, name, ignoreCrs)
  const bands: (PamBand | undefined)[] = []
  for (const element of childrenOf(root, 'PAMRasterBand')) {
    const number = numberOf(element.attributes['band']) ?? 0
    if (Number.isInteger(number) && number >= 1 && number <= 65536) bands[number - 1] = bandOf(element)
  }
  return { ...placed, bands, ...labelsIn(root) }
}

function labelsIn(root: XmlElement): Pick<Pam, 'date' | 'copyright'> {
  const items = childrenOf(root, 'Metadata').flatMap((domain) => childrenOf(domain, 'MDI'))
  const textOfItem = (key: string): string | undefined =>
    items.find(({ attributes }) => attributes['key'] === key)?.text.trim() || undefined
  const date = textOfItem('ACQUISITIONDATETIME') ?? textOfItem('TIFFTAG_DATETIME')
  const copyright = textOfItem('TIFFTAG_COPYRIGHT')
  return { ...(date === undefined ? {} : { date }), ...(copyright === undefined ? {} : { copyright }) }
}

function bandOf(element: XmlElement): PamBand {
  const nodata = nodataOf(childOf(element, 'NoDataValue'))
  const scale = numberOf(textOf(element, 'Scale'))
  const offset = numberOf(textOf(element, 'Offset'))
  const unit = textOf(element, 'UnitType')
  return {
    ...(nodata === undefined ? {} : { nodata }),
    ...(scale === undefined ? {} : { scale }),
    ...(offset === undefined ? {} : { offset }),
    ...(unit ? { unit } : {}),
  }
}

/** The nodata value, given as text or exactly, as the eight bytes of a double. */
function nodataOf(element: XmlElement | undefined): number | undefined {
  const hex = element?.attributes['le_hex_equiv']
  if (hex !== undefined && /^[\da-f]{16}$/i.test(hex)) return Buffer.from(hex, 'hex').readDoubleLE()
  const text = element?.text.trim()
  return text ? atof(text) : undefined
}

type XmlPlace = Pick<Pam, 'crs' | 'geotransform' | 'polynomials'>

/** Reads <SRS>, <GeoTransform> and <GCPList> of a PAM or VRT document. @throws SOURCE_CORRUPT, CRS_UNSUPPORTED */
export function placeFromXml(root: XmlElement, name: string, ignoreCrs = false): XmlPlace {
  const srs = childOf(root, 'SRS')
  const text = srs?.text.trim()
  let geotransform = geotransformOf(textOf(root, 'GeoTransform'), name)
  if (geotransform && text && isSwapped(text, srs!.attributes['dataAxisToSRSAxisMapping'])) {
    const [x, xc, xr, y, yc, yr] = geotransform
    geotransform = [y, yc, yr, x, xc, xr]
  }
  const list = childOf(root, 'GCPList')
  if (geotransform === undefined && list !== undefined) return placeFromPoints(list, root, name, ignoreCrs)
  return {
    ...(text && !ignoreCrs ? { crs: crsOf(text, name) } : {}),
    ...(geotransform === undefined ? {} : { geotransform }),
  }
}

/** Valid files have fewer points than this, and each takes some time. */
const MAX_POINTS = 65536

function placeFromPoints(list: XmlElement, root: XmlElement, name: string, ignoreCrs: boolean): XmlPlace {
  const srs = childOf(list, 'SRS')
  const text = list.attributes['Projection']?.trim() || srs?.text.trim() || childOf(root, 'SRS')?.text.trim()
  const swapped = text !== undefined && isSwapped(text, list.attributes['dataAxisToSRSAxisMapping'])
  const points = childrenOf(list, 'GCP')
    .slice(0, MAX_POINTS)
    .map(({ attributes }): ControlPoint => {
      const value = (key: string): number => numberOf(attributes[key]) ?? Number.NaN
      const [x, y] = swapped ? [value('Y'), value('X')] : [value('X'), value('Y')]
      return { column: value('Pixel'), row: value('Line'), x, y }
    })
  return {
    ...(text && !ignoreCrs ? { crs: crsOf(text, name) } : {}),
    ...placeByPoints(name, points),
  }
}

function crsOf(text: string, name: string): Crs {
  try {
    return crsFromText(text)
  } catch (error) {
    if (!(error instanceof FlagstoneError)) throw error
    throw new FlagstoneError('CRS_UNSUPPORTED', `${name}: ${oneLine(error.message)}`, {
      path: name,
      cause: error,
    })
  }
}

function geotransformOf(text: string | undefined, name: string): Geotransform | undefined {
  if (text === undefined || text === '') return undefined
  const values = text.split(',').map((word) => numberOf(word) ?? Number.NaN)
  if (values.length === 6 && values.every(Number.isFinite)) return values as unknown as Geotransform
  throw new FlagstoneError(
    'SOURCE_CORRUPT',
    `${name}: its GeoTransform does not have six numbers; create it again`,
    {
      path: name,
    },
  )
}

/**
 * Whether the image's x runs along the CRS's northing: only when the file maps image axes to the CRS's own ('1,2') and
 * the CRS declares north before east.
 */
function isSwapped(wkt: string, mapping: string | undefined): boolean {
  if (mapping?.replaceAll(' ', '') !== '1,2') return false
  const directions = [...wkt.matchAll(/AXIS\s*\[\s*"[^"]*"\s*,\s*"?([a-z]+)/gi)].map((m) =>
    m[1]!.toLowerCase(),
  )
  const [first, second] = directions.slice(-2)
  return first === 'north' && second === 'east'
}
