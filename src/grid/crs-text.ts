// Coordinate reference systems as people and files write them: codes, URNs, PROJ strings, WKT, PROJJSON.
import { FlagstoneError } from '../errors.js'
import type { Crs } from './crs.js'
import { crsFromEpsg, WGS84 } from './epsg.js'
import { lonLatConverterOf } from './transform.js'

/**
 * 'EPSG:25832', '25832', 'ESRI:54009', 'OGC:CRS84', 'urn:ogc:def:crs:EPSG::3857',
 * 'http://www.opengis.net/def/crs/EPSG/0/3857', a PROJ string, or WKT. Coordinates are in the order images have
 * them, easting or longitude first, whatever order the text declares.
 * Throws FlagstoneError CRS_UNSUPPORTED.
 */
export function crsFromText(text: string): Crs {
  const trimmed = text.trim()
  if (
    /^(OGC:|urn:ogc:def:crs:OGC:[\d.]*:|https?:\/\/www\.opengis\.net\/def\/crs\/OGC\/[\d.]+\/)CRS84$/i.test(
      trimmed,
    )
  ) {
    return WGS84
  }
  const code = codeOf(trimmed)
  if (code !== undefined) {
    const crs = crsFromEpsg(code)
    if (crs !== undefined) return crs
    throw new FlagstoneError(
      'CRS_UNSUPPORTED',
      `The coordinate system ${trimmed} is not known here or cannot be computed; pass its PROJ string or WKT instead.`,
    )
  }
  const crs: Crs = { epsg: undefined, name: nameOf(trimmed), definition: trimmed }
  lonLatConverterOf(crs)
  return crs
}

/** The number in the spellings of a code. */
function codeOf(text: string): number | undefined {
  const found =
    /^(?:(?:EPSG|ESRI|IGNF)::?|urn:(?:ogc|x-ogc):def:crs:(?:EPSG|ESRI):[\d.]*:|https?:\/\/(?:www\.)?opengis\.net\/def\/crs\/(?:EPSG|ESRI)\/[\d.]+\/|https?:\/\/(?:www\.)?opengis\.net\/gml\/srs\/epsg\.xml#)?(\d{4,6})$/i.exec(
      text,
    )
  return found === null ? undefined : Number(found[1])
}

/** A WKT's own name, or the PROJ string. */
function nameOf(text: string): string {
  return /^[A-Z]+\s*[[(]\s*"([^"]+)"/i.exec(text)?.[1] ?? text
}
