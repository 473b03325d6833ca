// The datum shift for the place where an image lies. Old datums came from many surveys: ED50 in Norway is not ED50 in
// Spain. PROJ uses the operation for the place, and GDAL does so for each image. Where there is none, coordinates are
// not shifted.
import type { Crs } from '../crs/crs.js'
import { datumShiftAt } from '../crs/datum-shifts.js'
import { lonLatConverterOf } from '../crs/transform.js'
import { mapperOf, type Placement, placementOf } from './placement.js'

interface Image {
  readonly crs: Crs
  readonly width: number
  readonly height: number
  readonly geotransform: Parameters<typeof placementOf>[0]['geotransform']
}

const found = new WeakMap<object, Crs>()

/** The CRS of an image, with the datum shift for its centre. @throws CRS_UNSUPPORTED when it is not supported */
export function crsOfImage(image: Image & Parameters<typeof placementOf>[0]): Crs {
  if (image.crs.datum === undefined) return image.crs
  let crs = found.get(image)
  if (crs === undefined) {
    crs = located(image.crs, placementOf(image), image.width, image.height)
    found.set(image, crs)
  }
  return crs
}

function located(crs: Crs, placement: Placement, width: number, height: number): Crs {
  const p = new Float64Array(2)
  mapperOf(placement).toMap(width / 2, height / 2, p)
  lonLatConverterOf(crs).toLonLat(p[0]!, p[1]!, p)
  return crsAt(crs, p[0]!, p[1]!)
}

/**
 * The CRS with the datum shift for a place (degrees), or without a shift where none covers it. Returns the same CRS
 * when nothing changes.
 */
export function crsAt(crs: Crs, lon: number, lat: number): Crs {
  if (crs.datum === undefined || Number.isNaN(lon)) return crs
  const shift = datumShiftAt(crs.datum, lon - 360 * Math.round(lon / 360), lat)
  const definition = crs.definition.replace(
    / ?\+towgs84=\S+/,
    shift === undefined ? '' : ` +towgs84=${shift}`,
  )
  return definition === crs.definition ? crs : { ...crs, definition }
}
