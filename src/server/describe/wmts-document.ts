// WMTS 1.0.0 (OGC 07-057r7): capabilities and exceptions as XML, from plain data.
//
// Tiles are those of the map: matrix z of the set is zoom z, so a tile's address is the same as everywhere else here.
import { type Bounds, LIMIT_METRES, lonLatToTile, resolution } from '../../grid/mercator.js'

export interface WmtsLayer {
  readonly id: string
  readonly title: string
  readonly description: string | undefined
  /** Degrees. */
  readonly bounds: Bounds
  /** Zooms that hold tiles, ascending. */
  readonly zooms: readonly number[]
  /** Pixels a side. */
  readonly tileSize: number
  readonly mime: string
  /** With {TileMatrix}, {TileCol} and {TileRow}. */
  readonly template: string
}

/** Side of the pixel that scales of WMTS are about, metres (07-057r7, 6.1). */
const PIXEL_METRES = 0.00028
/** What two roundings of a bound may differ by, degrees: 0.1 mm. */
const TOUCHING = 1e-9

/** `endpoint`: where requests with key and value go, 'https://host/wmts'. */
export function capabilities(title: string, endpoint: string, layers: readonly WmtsLayer[]): string {
  const sizes = [...new Set(layers.map(({ tileSize }) => tileSize))].sort((a, b) => a - b)
  const sets = sizes.map((size) => {
    const zooms = layers.filter(({ tileSize }) => tileSize === size).map((layer) => layer.zooms.at(-1) ?? 0)
    return matrixSet(size, Math.max(...zooms))
  })
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
${[...layers.map(layerXml), ...sets].join('\n')}
</Contents>
<ServiceMetadataURL xlink:href="${xml(`${endpoint}?service=WMTS&request=GetCapabilities`)}"/>
</Capabilities>
`
}

/** The set's name: matrices of 256 pixels are those of the well-known one. */
export const matrixSetName = (tileSize: number): string =>
  tileSize === 256 ? 'GoogleMapsCompatible' : `GoogleMapsCompatible_${tileSize}`

/** An error as those who ask by key and value expect it (OWS Common 1.1, 06-121r3, 8). */
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

function layerXml(layer: WmtsLayer): string {
  const { west, south, east, north } = layer.bounds
  return [
    '<Layer>',
    `<ows:Title>${xml(layer.title)}</ows:Title>`,
    ...(layer.description === undefined ? [] : [`<ows:Abstract>${xml(layer.description)}</ows:Abstract>`]),
    `<ows:WGS84BoundingBox><ows:LowerCorner>${west} ${south}</ows:LowerCorner><ows:UpperCorner>${east} ${north}</ows:UpperCorner></ows:WGS84BoundingBox>`,
    `<ows:Identifier>${xml(layer.id)}</ows:Identifier>`,
    '<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>',
    `<Format>${xml(layer.mime)}</Format>`,
    '<TileMatrixSetLink>',
    `<TileMatrixSet>${matrixSetName(layer.tileSize)}</TileMatrixSet>`,
    `<TileMatrixSetLimits>${layer.zooms.map((zoom) => limits(zoom, layer.bounds)).join('')}</TileMatrixSetLimits>`,
    '</TileMatrixSetLink>',
    `<ResourceURL format="${xml(layer.mime)}" resourceType="tile" template="${xml(layer.template)}"/>`,
    '</Layer>',
  ].join('\n')
}

/** Clients take what has no limits for what is not there, so every zoom that holds tiles has them. */
function limits(zoom: number, { west, south, east, north }: Bounds): string {
  // an edge that lies on a border of tiles does not touch those beyond it
  const [minX, minY] = lonLatToTile(west + TOUCHING, north - TOUCHING, zoom)
  const [maxX, maxY] = lonLatToTile(east - TOUCHING, south + TOUCHING, zoom)
  return `<TileMatrixLimits><TileMatrix>${zoom}</TileMatrix><MinTileRow>${minY}</MinTileRow><MaxTileRow>${Math.max(minY, maxY)}</MaxTileRow><MinTileCol>${minX}</MinTileCol><MaxTileCol>${Math.max(minX, maxX)}</MaxTileCol></TileMatrixLimits>`
}

/** The world as 2^z × 2^z tiles for z = 0, 1, … (07-057r7, annex E.4). */
function matrixSet(tileSize: number, maxZoom: number): string {
  const matrices = Array.from({ length: maxZoom + 1 }, (_, zoom) => {
    const scale = resolution(zoom, tileSize) / PIXEL_METRES
    const tiles = 2 ** zoom
    return `<TileMatrix><ows:Identifier>${zoom}</ows:Identifier><ScaleDenominator>${scale}</ScaleDenominator><TopLeftCorner>${-LIMIT_METRES} ${LIMIT_METRES}</TopLeftCorner><TileWidth>${tileSize}</TileWidth><TileHeight>${tileSize}</TileHeight><MatrixWidth>${tiles}</MatrixWidth><MatrixHeight>${tiles}</MatrixHeight></TileMatrix>`
  })
  const wellKnown = '<WellKnownScaleSet>urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible</WellKnownScaleSet>\n'
  return `<TileMatrixSet>
<ows:Identifier>${matrixSetName(tileSize)}</ows:Identifier>
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
  return text
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!)
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
}
