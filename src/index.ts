// The library. What is not here is not public.
export { type ErrorCode, FlagstoneError } from './errors.js'
export { TileType } from './format/tile-type.js'
export { type ProbeResult, probeDirectory as probe } from './platform/probe.js'
export { type BuildOptions, type BuildReport, build } from './pyramid/build.js'
export { type Estimate, estimate } from './pyramid/estimate.js'
export { decodeHeights } from './raster/tiles/terrain.js'
export { sample, sampleHeights } from './sampling/sample.js'
export type { ServerHooks } from './server/context.js'
export { type FlagstoneFastifyOptions, flagstoneFastify } from './server/fastify.js'
export type { TileServer } from './server/handler.js'
export {
  type FlagstoneHandler,
  type FlagstoneHandlerOptions,
  flagstoneHandler,
  listen,
  openTileServer,
} from './server/mount.js'
export type { MissingPolicy, ServerLimits, ServerOptions } from './server/options.js'
export type { Listening } from './server/run/listen.js'
export type { ListenOptions } from './server/run/listen-options.js'
export type { SourceInput } from './server/sources/source.js'
export { describeTiles as describe, type TilesDescription } from './store/describe.js'
export type { AnyReader as TileReader } from './store/open.js'
export type { ReaderOptions, SealInfo, WriterOptions } from './store/options.js'
export { createTiles as create, openTiles as open, reopenTiles as reopen } from './store/paths.js'
export type { Tile } from './store/tile.js'
export type { TileWriter } from './store/writer.js'
