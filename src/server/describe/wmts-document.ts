// WMTS 1.0.0 (OGC 07-057r7): capabilities and exceptions as XML, from plain data.
//
// Tiles are those of the map: matrix z of the set is zoom z, so a tile's address is the same as everywhere else here.
import { type Bounds, LIMIT_METRES, lonLatToTile, resolution } from '../../grid/tiles/mercator.js'

/** A format that tiles come in, and where. */
export interface WmtsFormat {
  readonly mime: string
  /** With {TileMatrix}, {TileCol} and {TileRow}. */
  readonly template: string
}

export interface WmtsLayer {
  readonly id: string
  readonly title: string
  readonly description: string | undefined
  /** Degrees. */
  readonly bounds: Bounds
  /** Zooms with tiles, ascending. */
  readonly zooms: readonly number[]
  /** Pixels a side. */
  readonly tileSize: number
  /** At least one; the first is what a client gets that does not choose. */
  readonly formats: readonly WmtsFormat[]
}

/** A layer as XML, and what the document has to know of it. */
export interface WmtsPart {
  readonly xml: string
  readonly tileSize: number
  readonly maxZoom: number
}

/** Side of the pixel that scales of WMTS are about, metres (07-057r7, 6.1). */
const PIXEL_METRES = 0.00028
/** What two roundings of a bound may differ by, degrees: 0.1 mm. */
const TOUCHING = 1e-9

/** `endpoint`: where requests with key and value go, 'https://host/wmts'. */
export function capabilities(title: string, endpoint: string, parts: readonly WmtsPart[]): string {
  const deepest = new Map<number, number>()
  for (const { tileSize, maxZoom } of parts) {
    deepest.set(tileSize, Math.max(maxZoom, deepest.get(tileSize) ?? 0))
  }
  const sets = [...deepest]
    .sort(([a], [b]) => a - b)
    .flatMap(([size, maxZoom]) => matrixSetNames(size).map((name) => matrixSet(name, size, maxZoom)))
  return `<?xml version="1.0" encoding="UTF-8"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/wmts/1.0 http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd" version="1.0.0">
<ows:ServiceIdentification>
<ows:Title>${xml(title)}</ows:Title>
<ows:ServiceType>OGC WMTS</ows:ServiceType>
<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>
</ows:ServiceIdentification>
<ows:OperationsMetadata>
${operation('GetCapabilities', endpoint)}
${operation('GetTile', endpoint)}
</ows:OperationsMetadata>
<Contents>
${[...parts.map((part) => part.xml), ...sets].join('\n')}
</Contents>
<ServiceMetadataURL xlink:href="${xml(`${endpoint}?service=WMTS&request=GetCapabilities`)}"/>
</Capabilities>
`
}

/**
 * Of the set that tiles of a size are in: matrices of 256 pixels are those of the well-known one, which older clients
 * know by the first of its names (07-057r7, annex E.4) and newer ones by the second (17-083r4, annex D.1).
 */
export const matrixSetNames = (tileSize: number): readonly string[] =>
  tileSize === 256 ? ['GoogleMapsCompatible', 'WebMercatorQuad'] : [`GoogleMapsCompatible_${tileSize}`]

/** An error as key-value clients expect it (OWS Common 1.1, 06-121r3, 8). */
export function exceptionReport(code: string, locator: string | undefined, sentence: string): string {
  const where = locator === undefined ? '' : ` locator="${xml(locator)}"`
  return `<?xml version="1.0" encoding="UTF-8"?>
<ExceptionReport xmlns="http://www.opengis.net/ows/1.1" version="1.1.0" xml:lang="en">
<Exception exceptionCode="${xml(code)}"${where}>
<ExceptionText>${xml(sentence)}</ExceptionText>
</Exception>
</ExceptionReport>
`
}

function operation(name: string, endpoint: string): string {
  return `<ows:Operation name="${name}"><ows:DCP><ows:HTTP><ows:Get xlink:href="${xml(`${endpoint}?`)}"><ows:Constraint name="GetEncoding"><ows:AllowedValues><ows:Value>KVP</ows:Value></ows:AllowedValues></ows:Constraint></ows:Get></ows:HTTP></ows:DCP></ows:Operation>`
}

export function layerPart(layer: WmtsLayer): WmtsPart {
  const { tileSize, zooms } = layer
  return { xml: layerXml(layer), tileSize, maxZoom: zooms.at(-1) ?? 0 }
}

function layerXml(layer: WmtsLayer): string {
  const { west, south, east, north } = layer.bounds
  const covered = layer.zooms.map((zoom) => limits(zoom, layer.bounds)).join('')
  return [
    '<Layer>',
    `<ows:Title>${xml(layer.title)}</ows:Title>`,
    ...(layer.description === undefined ? [] : [`<ows:Abstract>${xml(layer.description)}</ows:Abstract>`]),
    `<ows:WGS84BoundingBox><ows:LowerCorner>${west} ${south}</ows:LowerCorner><ows:UpperCorner>${east} ${north}</ows:UpperCorner></ows:WGS84BoundingBox>`,
    `<ows:Identifier>${xml(layer.id)}</ows:Identifier>`,
    '<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>',
    ...layer.formats.map(({ mime }) => `<Format>${xml(mime)}</Format>`),
    ...matrixSetNames(layer.tileSize).flatMap((name) => [
      '<TileMatrixSetLink>',
      `<TileMatrixSet>${name}</TileMatrixSet>`,
      `<TileMatrixSetLimits>${covered}</TileMatrixSetLimits>`,
      '</TileMatrixSetLink>',
    ]),
    ...layer.formats.map(
      ({ mime, template }) =>
        `<ResourceURL format="${xml(mime)}" resourceType="tile" template="${xml(template)}"/>`,
    ),
    '</Layer>',
  ].join('\n')
}

/** Clients treat zooms without limits as missing, so every zoom with tiles has limits. */
function limits(zoom: number, { west, south, east, north }: Bounds): string {
  // an edge that lies on a border of tiles does not touch those beyond it
  const [minX, minY] = lonLatToTile(west + TOUCHING, north - TOUCHING, zoom)
  const [maxX, maxY] = lonLatToTile(east - TOUCHING, south + TOUCHING, zoom)
  return `<TileMatrixLimits><TileMatrix>${zoom}</TileMatrix><MinTileRow>${minY}</MinTileRow><MaxTileRow>${Math.max(minY, maxY)}</MaxTileRow><MinTileCol>${minX}</MinTileCol><MaxTileCol>${Math.max(minX, maxX)}</MaxTileCol></TileMatrixLimits>`
}

/** The world as 2^z × 2^z tiles for z = 0, 1, … (07-057r7, annex E.4). */
function matrixSet(name: string, tileSize: number, maxZoom: number): string {
  const matrices = Array.from({ length: maxZoom + 1 }, (_, zoom) => {
    const scale = resolution(zoom, tileSize) / PIXEL_METRES
    const tiles = 2 ** zoom
    return `<TileMatrix><ows:Identifier>${zoom}</ows:Identifier><ScaleDenominator>${scale}</ScaleDenominator><TopLeftCorner>${-LIMIT_METRES} ${LIMIT_METRES}</TopLeftCorner><TileWidth>${tileSize}</TileWidth><TileHeight>${tileSize}</TileHeight><MatrixWidth>${tiles}</MatrixWidth><MatrixHeight>${tiles}</MatrixHeight></TileMatrix>`
  })
  const wellKnown = '<WellKnownScaleSet>urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible</WellKnownScaleSet>\n'
  return `<TileMatrixSet>
<ows:Identifier>${name}</ows:Identifier>
<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>
${tileSize === 256 ? wellKnown : ''}${matrices.join('\n')}
</TileMatrixSet>`
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Text for an element or an attribute; what XML 1.0 has no way to say becomes U+FFFD. */
export function xml(text: string): string {
  return PLAIN.test(text) ? text : escaped(text)
}

/** Nearly all text is so, and looking for surrogates takes time where there are thousands of layers. */
const PLAIN = /^[\x20\x21\x23-\x25\x28-\x3b\x3d\x3f-\x7e]*$/

function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!)
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
}
