// What is where. A path is split at its slashes and each part decoded; tiles are recognised before that (tile-path.ts).
//
// In patterns, a word matches itself and '*' matches one part. Paths of a source begin after its id; the aliases
// /tiles/{id}/… and /data/{id}/… of other servers were taken off by then.

import { answerArchive } from './archive/archive-range.js'
import type { Routed, RoutedSource, ServerContext } from './context.js'
import { answerCatalog, answerIndex } from './describe/catalog-answer.js'
import { answerCoverage } from './describe/coverage.js'
import { answerHealth, answerMetrics } from './describe/health.js'
import { answerFacts, answerSources } from './describe/source-facts.js'
import { answerFileSources } from './describe/sources-answer.js'
import { answerStyle } from './describe/style.js'
import { answerTileJson } from './describe/tilejson.js'
import { answerAllCapabilities, answerCapabilities } from './describe/wmts.js'
import { answerSourceWmts, answerWmts } from './describe/wmts-requests.js'
import type { Answer } from './http/message.js'
import { answerAsset } from './pages/assets.js'
import { answerCataloguePage, answerMapPage } from './pages/pages.js'
import { answerHillshade } from './pictures/hillshade.js'
import { answerBbox, answerStatic } from './pictures/picture.js'
import { answerTerrain } from './pictures/terrain-tile.js'
import { answerPoint, answerPoints } from './points/point.js'
import { answerProfile } from './points/profile.js'

export interface Route<R> {
  /** For metrics and logs. */
  readonly name: string
  readonly methods: readonly ('GET' | 'POST')[]
  readonly pattern: readonly string[]
  readonly answer: (context: ServerContext, request: R) => Answer
}

/** Of the server as a whole: '/', '/health', '/catalog' … */
export const SERVER_ROUTES: readonly Route<Routed>[] = [
  { name: 'catalog', methods: ['GET'], pattern: ['catalog'], answer: answerCatalog },
  { name: 'catalog', methods: ['GET'], pattern: ['catalog.json'], answer: answerCatalog },
  { name: 'index', methods: ['GET'], pattern: ['index.json'], answer: answerIndex },
  { name: 'index', methods: ['GET'], pattern: ['data.json'], answer: answerIndex },
  { name: 'health', methods: ['GET'], pattern: ['health'], answer: answerHealth },
  { name: 'metrics', methods: ['GET'], pattern: ['metrics'], answer: answerMetrics },
  { name: 'wmts', methods: ['GET'], pattern: ['wmts'], answer: answerWmts },
  { name: 'wmts', methods: ['GET'], pattern: ['WMTSCapabilities.xml'], answer: answerAllCapabilities },
  { name: 'page', methods: ['GET'], pattern: [''], answer: answerCataloguePage },
  { name: 'sources', methods: ['GET'], pattern: ['_', 'sources.json'], answer: answerSources },
  { name: 'asset', methods: ['GET'], pattern: ['_', '*'], answer: answerAsset },
  { name: 'asset', methods: ['GET'], pattern: ['_', '*', '*'], answer: answerAsset },
  { name: 'asset', methods: ['GET'], pattern: ['_', '*', '*', '*'], answer: answerAsset },
]

/** Of one source: '/{id}/…'; `rest` gets the parts that '*' stood for. */
export const SOURCE_ROUTES: readonly Route<RoutedSource>[] = [
  { name: 'tilejson', methods: ['GET'], pattern: [], answer: answerTileJson },
  { name: 'tilejson', methods: ['GET'], pattern: ['tilejson.json'], answer: answerTileJson },
  { name: 'style', methods: ['GET'], pattern: ['style.json'], answer: answerStyle },
  { name: 'wmts', methods: ['GET'], pattern: ['wmts'], answer: answerSourceWmts },
  { name: 'wmts', methods: ['GET'], pattern: ['WMTSCapabilities.xml'], answer: answerCapabilities },
  { name: 'page', methods: ['GET'], pattern: ['map'], answer: answerMapPage },
  { name: 'info', methods: ['GET'], pattern: ['info.json'], answer: answerFacts },
  { name: 'coverage', methods: ['GET'], pattern: ['coverage', '*', '*'], answer: answerCoverage },
  { name: 'provenance', methods: ['GET'], pattern: ['sources'], answer: answerFileSources },
  { name: 'point', methods: ['GET'], pattern: ['point', '*'], answer: answerPoint },
  { name: 'point', methods: ['POST'], pattern: ['point'], answer: answerPoints },
  { name: 'profile', methods: ['GET', 'POST'], pattern: ['profile'], answer: answerProfile },
  { name: 'bbox', methods: ['GET'], pattern: ['bbox', '*', '*'], answer: answerBbox },
  { name: 'static', methods: ['GET'], pattern: ['static', '*', '*'], answer: answerStatic },
  { name: 'hillshade', methods: ['GET'], pattern: ['hillshade', '*', '*', '*'], answer: answerHillshade },
  { name: 'terrain', methods: ['GET'], pattern: ['terrain', '*', '*', '*'], answer: answerTerrain },
]

/** '/{id}.json', '/{id}.pmtiles': by the extension of the last and only part. */
export const FILE_ROUTES: Readonly<Record<string, Route<RoutedSource> | undefined>> = {
  json: { name: 'tilejson', methods: ['GET'], pattern: [], answer: answerTileJson },
  pmtiles: { name: 'archive', methods: ['GET'], pattern: [], answer: answerArchive },
}

/** The parts that '*' stood for, undefined when the pattern does not fit. */
export function match(pattern: readonly string[], segments: readonly string[]): string[] | undefined {
  if (pattern.length !== segments.length) return undefined
  const rest: string[] = []
  for (const [i, word] of pattern.entries()) {
    if (word === '*') rest.push(segments[i]!)
    else if (word !== segments[i]) return undefined
  }
  return rest
}
