// Reads ESRI's old .prj files (Arc/Info): lines of keys, then a block of numbers whose order depends on the projection,
// with angles as degrees, minutes and seconds. Sources: ARC/INFO's PROJECTFILE documentation, and files in the wild.
import { FlagstoneError } from '../../errors.js'

/**
 * The CRS as a PROJ string; undefined when the text is not of this kind.
 * @throws CRS_UNSUPPORTED when the projection is not known
 */
export function projFromEsriKeys(text: string): string | undefined {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/\/\*.*?(\*\/|$)/g, '').trim())
  const named = new Map<string, string>()
  const parameters: number[][] = []
  let isInParameters = false
  for (const line of lines) {
    const [key = '', ...rest] = line.split(/\s+/)
    if (/^parameters$/i.test(key)) isInParameters = true
    else if (isInParameters) {
      const numbers = line.split(/\s+/).map(Number)
      if (line !== '' && numbers.every(Number.isFinite)) parameters.push(numbers)
    } else if (key !== '') named.set(key.toLowerCase(), rest.join(' '))
  }
  const projection = named.get('projection')?.toUpperCase()
  if (projection === undefined) return undefined
  const parts = projectionOf(projection, named, parameters)
  if (parts === undefined) {
    throw new FlagstoneError(
      'CRS_UNSUPPORTED',
      `the old ESRI projection ${projection} is not supported; pass its PROJ string or WKT with --s-srs`,
    )
  }
  return [...parts, ...datumOf(named), ...unitsOf(projection, named), '+no_defs'].join(' ')
}

function projectionOf(
  projection: string,
  named: ReadonlyMap<string, string>,
  rows: readonly (readonly number[])[],
): string[] | undefined {
  const degrees = (i: number): number => degreesOf(rows[i])
  const plain = (i: number): number => rows[i]?.[0] ?? 0
  const offset = (i: number): string[] => [`+x_0=${plain(i)}`, `+y_0=${plain(i + 1)}`]
  switch (projection) {
    case 'GEOGRAPHIC':
      return ['+proj=longlat']
    case 'UTM': {
      const zone = Number(named.get('zone') ?? Number.NaN)
      if (!Number.isInteger(zone) || Math.abs(zone) < 1 || Math.abs(zone) > 60) return undefined
      const south = zone < 0 || Number(named.get('yshift') ?? 0) > 0 || degrees(1) < 0
      return ['+proj=utm', `+zone=${Math.abs(zone)}`, ...(south ? ['+south'] : [])]
    }
    case 'ALBERS':
      return [
        '+proj=aea',
        `+lat_1=${degrees(0)}`,
        `+lat_2=${degrees(1)}`,
        `+lon_0=${degrees(2)}`,
        `+lat_0=${degrees(3)}`,
        ...offset(4),
      ]
    case 'LAMBERT':
      return [
        '+proj=lcc',
        `+lat_1=${degrees(0)}`,
        `+lat_2=${degrees(1)}`,
        `+lon_0=${degrees(2)}`,
        `+lat_0=${degrees(3)}`,
        ...offset(4),
      ]
    case 'LAMBERT_AZIMUTHAL':
      // a fifth row, which comes first, is the radius of the sphere
      return rows.length === 5
        ? ['+proj=laea', `+lon_0=${degrees(1)}`, `+lat_0=${degrees(2)}`, ...offset(3)]
        : ['+proj=laea', `+lon_0=${degrees(0)}`, `+lat_0=${degrees(1)}`, ...offset(2)]
    case 'TRANSVERSE':
      return ['+proj=tmerc', `+k=${plain(0)}`, `+lon_0=${degrees(1)}`, `+lat_0=${degrees(2)}`, ...offset(3)]
    case 'POLAR':
      return [
        '+proj=stere',
        `+lat_0=${degrees(1) < 0 ? -90 : 90}`,
        `+lon_0=${degrees(0)}`,
        `+lat_ts=${degrees(1)}`,
        ...offset(2),
      ]
    default:
      return undefined
  }
}

/** Decimal degrees from degrees, minutes and seconds. A minus before any of the three makes all of it negative. */
function degreesOf(row: readonly number[] | undefined): number {
  const [d = 0, m = 0, s = 0] = row ?? []
  const sign = d < 0 || Object.is(d, -0) || m < 0 || s < 0 ? -1 : 1
  return sign * (Math.abs(d) + Math.abs(m) / 60 + Math.abs(s) / 3600)
}

const DATUMS: Readonly<Record<string, string>> = {
  NAD27: '+datum=NAD27',
  NAR: '+datum=NAD27',
  NAD83: '+datum=NAD83',
  NAS: '+datum=NAD83',
  WGS84: '+datum=WGS84',
  WGE: '+datum=WGS84',
  WGS72: '+ellps=WGS72',
  EUR: '+ellps=intl',
  ED50: '+ellps=intl',
  GDA94: '+ellps=GRS80 +towgs84=0,0,0',
}
const SPHEROIDS: Readonly<Record<string, string>> = {
  CLARKE1866: '+ellps=clrk66',
  GRS80: '+ellps=GRS80',
  GRS1980: '+ellps=GRS80',
  WGS84: '+ellps=WGS84',
  BESSEL: '+ellps=bessel',
  INT1909: '+ellps=intl',
  INTERNATIONAL1909: '+ellps=intl',
  KRASOVSKY: '+ellps=krass',
  AIRY: '+ellps=airy',
}

function datumOf(named: ReadonlyMap<string, string>): string[] {
  const datum = (named.get('datum') ?? 'none').toUpperCase().split(' ')[0]!
  const spheroid = (named.get('spheroid') ?? 'none').toUpperCase().split(' ')[0]!
  const found = DATUMS[datum] ?? SPHEROIDS[spheroid]
  if (found !== undefined) return [found]
  const isNone = ['NONE', 'NULL', ''].includes(datum) && ['NONE', 'NULL', ''].includes(spheroid)
  if (isNone) return ['+datum=WGS84']
  throw new FlagstoneError(
    'CRS_UNSUPPORTED',
    `the datum ${datum} of an old ESRI .prj is not supported; pass its PROJ string or WKT with --s-srs`,
  )
}

function unitsOf(projection: string, named: ReadonlyMap<string, string>): string[] {
  const units = (named.get('units') ?? (projection === 'GEOGRAPHIC' ? 'DD' : 'METERS')).toUpperCase()
  if (projection === 'GEOGRAPHIC') {
    if (units === 'DD' || units.startsWith('DEG')) return []
  } else if (units.startsWith('MET')) return ['+units=m']
  else if (units === 'FEET') return ['+units=us-ft']
  else if (/^\d+(\.\d+)?$/.test(units) && Number(units) > 0) return [`+to_meter=${1 / Number(units)}`]
  throw new FlagstoneError(
    'CRS_UNSUPPORTED',
    `the units ${units} of an old ESRI .prj are not supported; pass its PROJ string or WKT with --s-srs`,
  )
}
