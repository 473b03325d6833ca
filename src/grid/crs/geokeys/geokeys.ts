// GeoTIFF keys, unpacked. Source: OGC 19-008 (GeoTIFF 1.1). crs.ts interprets them as a CRS.

/** Values by key. Double and text parameters are resolved. */
export type GeoKeys = ReadonlyMap<number, number | string>

export const GeoKey = {
  ModelType: 1024,
  RasterType: 1025,
  Citation: 1026,
  GeographicType: 2048,
  GeogCitation: 2049,
  GeodeticDatum: 2050,
  PrimeMeridian: 2051,
  AngularUnits: 2054,
  AngularUnitSize: 2055,
  Ellipsoid: 2056,
  SemiMajorAxis: 2057,
  SemiMinorAxis: 2058,
  InverseFlattening: 2059,
  PrimeMeridianLongitude: 2061,
  /** A key of GDAL's with three or seven numbers, kept as text: '-8,160,176'. */
  ToWgs84: 2062,
  ProjectedType: 3072,
  ProjectedCitation: 3073,
  Projection: 3074,
  Method: 3075,
  LinearUnits: 3076,
  LinearUnitSize: 3077,
  VerticalType: 4096,
  VerticalCitation: 4097,
  VerticalUnits: 4099,
  /** Not a key in the file but the minor revision: 1 in GeoTIFF 1.1. */
  MinorRevision: -1,
} as const

export const USER_DEFINED = 32767
export const PIXEL_IS_POINT = 2

/** Unpacks the key directory. Keys whose parameters are missing are left out. */
export function readGeoKeys(
  directory: Float64Array,
  doubles: Float64Array | undefined,
  ascii: string | undefined,
): GeoKeys {
  const keys = new Map<number, number | string>([
    [GeoKey.MinorRevision, directory[1] === 1 ? (directory[2] ?? 0) : 0],
  ])
  const count = Math.min(directory[3] ?? 0, Math.floor((directory.length - 4) / 4))
  for (let i = 0; i < count; i++) {
    const at = 4 + 4 * i
    const key = directory[at]!
    const location = directory[at + 1]!
    const length = directory[at + 2]!
    const offset = directory[at + 3]!
    if (location === 0) keys.set(key, offset)
    else if (key === GeoKey.ToWgs84) {
      const shift = doubles?.subarray(offset, offset + length) ?? []
      if (location === 34736 && (shift.length === 3 || shift.length === 7)) keys.set(key, shift.join(','))
    } else if (location === 34736 && doubles?.[offset] !== undefined) keys.set(key, doubles[offset])
    // each text ends with a '|'
    else if (location === 34737 && ascii !== undefined) {
      keys.set(
        key,
        ascii
          .slice(offset, offset + length)
          .replace(/[|\0]+$/, '')
          .trim(),
      )
    }
  }
  return keys
}

export const numberKey = (keys: GeoKeys, key: number): number | undefined => {
  const value = keys.get(key)
  return typeof value === 'number' && Number.isFinite(value) && value !== 0 ? value : undefined
}

/** The value of the first key that is present. Zero is a valid value. */
export function parameterKey(keys: GeoKeys, ...candidates: number[]): number | undefined {
  for (const key of candidates) {
    const value = keys.get(key)
    if (typeof value === 'number' && Number.isFinite(value)) return value
  }
  return undefined
}

export function textKey(keys: GeoKeys, ...candidates: number[]): string | undefined {
  for (const key of candidates) {
    const value = keys.get(key)
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
