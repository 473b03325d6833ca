// The public API of the library. Nothing else is public.
export { type ArgumentError, type ErrorCode, FlagstoneError, type SystemDetails } from './errors.js'
export type { OwnBytes, OwnFloats } from './format/own-memory.js'
export type { PmtilesHeader } from './format/pmtiles.js'
export type { SourceFootprint, SourceRecord, SourceRing } from './format/sources/record.js'
export { TileType } from './format/tile-type.js'
export type { OutputFormat } from './interop/create.js'
export { openTileSet } from './interop/open.js'
export type { Capabilities } from './platform/byte-file.js'
export type { LockKind } from './platform/locks.js'
export { type ProbeResult, probeDirectory as probe } from './platform/probe.js'
export {
  type BuildContext,
  type BuildOptions,
  type BuildProgress,
  build,
} from './pyramid/build.js'
export type { Coverage, Hole } from './pyramid/estimate/coverage.js'
export { type Estimate, type EstimateContext, estimate } from './pyramid/estimate/estimate.js'
export type { EstimatedLevel } from './pyramid/estimate/expected.js'
export type { SourcesOfDepth } from './pyramid/plan/depth-note.js'
export type { EncodingPlan } from './pyramid/plan/encoding.js'
export type { PrepareContext } from './pyramid/prepare.js'
export type { BuildPhase } from './pyramid/progress.js'
export type { BuildReport } from './pyramid/report.js'
export type { SourceGiven } from './pyramid/source-options.js'
export type { SkippedSource } from './pyramid/sources/infos.js'
export type { DamagedBlock, DamagedSource } from './pyramid/work/damage.js'
export type { OwnPixels, Pixels, Resampling, Samples } from './raster/pixels.js'
export type { TileFormat } from './raster/tiles/codec.js'
export type { ImageFormat } from './raster/tiles/image-format.js'
export { decodeHeights, type TerrainRgb } from './raster/tiles/terrain.js'
export type { ElevationLook, SampleOptions, VerifyOptions } from './sampling/options.js'
export { sample, sampleHeights } from './sampling/sample.js'
export { type VerifyReport, verifyTiles as verify } from './sampling/verify.js'
export type { FetchHandler } from './server/adapters/fetch-handler.js'
export type { NodeHandler } from './server/adapters/node-handler.js'
export type { ServerHooks } from './server/context.js'
export { type FastifyApp, type FlagstoneFastifyOptions, flagstoneFastify } from './server/fastify.js'
export type { TileServer } from './server/handler.js'
export type { ServerRequest } from './server/http/message.js'
export {
  type FlagstoneHandler,
  type FlagstoneHandlerOptions,
  flagstoneHandler,
  listen,
  openTileServer,
} from './server/mount.js'
export type { MissingPolicy, ServerLimits, ServerOptions } from './server/options.js'
export type { ListeningServer } from './server/run/listen.js'
export type { ListenOptions } from './server/run/listen-options.js'
export type { SourceEvent, SourceInput } from './server/sources/source.js'
export type { CreateOptions, GetOptions, ReaderOptions, SealOptions, WriterOptions } from './store/options.js'
export { createTiles as create, reopenTiles as reopen } from './store/paths.js'
export type { LevelInfo } from './store/read/level-info.js'
export type { ListedTile, TileRange, TilesQuery } from './store/read/list.js'
export { openTiles as open, type TileReader } from './store/read/open.js'
export type { PmtilesReader } from './store/read/pmtiles-reader.js'
export type { FlatReader } from './store/read/reader.js'
export type { SourcesQuery } from './store/read/sources-at.js'
export type { Tile, TileStat } from './store/read/tile.js'
export type { TileSet, TilesOfZoom } from './store/read/tile-set.js'
export {
  describeTiles as describe,
  type LayoutDescription,
  type LevelDescription,
  type TilesDescription,
} from './store/report/describe.js'
export type { Finding } from './store/report/verify.js'
export type { SealReport } from './store/write/seal.js'
export type { GrowthStats } from './store/write/state.js'
export type { TileWriter, WriterStats } from './store/write/writer.js'
export { type ApplyReport, apply } from './transfer/apply.js'
export { convert } from './transfer/convert.js'
export type { CopiedLevel } from './transfer/copy.js'
export {
  type ComparedArchive,
  type DiffContext,
  type DiffReport,
  diff,
  type TileDifference,
} from './transfer/diff.js'
export { type DigestReport, digest } from './transfer/digest.js'
export { type ExtractPlan, extract, planExtract } from './transfer/extract.js'
export type { Duplicates } from './transfer/merge/duplicates.js'
export { type MergePlan, type MergeReport, merge, planMerge } from './transfer/merge.js'
export type {
  ApplyOptions,
  ConvertOptions,
  DiffOptions,
  ExtractOptions,
  MergeOptions,
  PlanExtractOptions,
} from './transfer/options.js'
export type { ChangedLevel, TileChange } from './transfer/patch/tally.js'
export type { TransferProgress } from './transfer/progress.js'
export type { TransferReport } from './transfer/report.js'
export type { TransferContext } from './transfer/transfer.js'
