// A program that uses everything the library exports, under the strictest settings: not run, only compiled, against the
// package and not with the project (public-types.test.ts). Who changes what the library exports changes it here too.
import {
  type ApplyOptions,
  type ApplyReport,
  type ArgumentError,
  apply,
  type BuildContext,
  type BuildOptions,
  type BuildPhase,
  type BuildProgress,
  type BuildReport,
  build,
  type Capabilities,
  type ChangedLevel,
  type ComparedArchive,
  type ConvertOptions,
  type CopiedLevel,
  type Coverage,
  type CreateOptions,
  convert,
  create,
  type DamagedBlock,
  type DamagedSource,
  type DiffContext,
  type DiffOptions,
  type DiffReport,
  type DigestReport,
  type Duplicates,
  decodeHeights,
  describe,
  diff,
  digest,
  type ElevationLook,
  type EncodingPlan,
  type ErrorCode,
  type Estimate,
  type EstimateContext,
  type EstimatedLevel,
  type ExtractOptions,
  type ExtractPlan,
  estimate,
  extract,
  type FastifyApp,
  type FetchHandler,
  type Finding,
  FlagstoneError,
  type FlagstoneFastifyOptions,
  type FlagstoneHandler,
  type FlagstoneHandlerOptions,
  type FlatReader,
  flagstoneFastify,
  flagstoneHandler,
  type GetOptions,
  type GrowthStats,
  type Hole,
  type ImageFormat,
  type LayoutDescription,
  type LevelDescription,
  type LevelInfo,
  type ListedTile,
  type ListeningServer,
  type ListenOptions,
  type LockKind,
  listen,
  type MergeOptions,
  type MergePlan,
  type MergeReport,
  type MissingPolicy,
  merge,
  type NodeHandler,
  type OutputFormat,
  type OwnBytes,
  type OwnFloats,
  type OwnPixels,
  open,
  openTileServer,
  openTileSet,
  type Pixels,
  type PlanExtractOptions,
  type PmtilesHeader,
  type PmtilesReader,
  type PrepareContext,
  type ProbeResult,
  planExtract,
  planMerge,
  probe,
  type ReaderOptions,
  type Resampling,
  reopen,
  type SampleOptions,
  type Samples,
  type SealOptions,
  type SealReport,
  type ServerHooks,
  type ServerLimits,
  type ServerOptions,
  type ServerRequest,
  type SkippedSource,
  type SourceEvent,
  type SourceFootprint,
  type SourceGiven,
  type SourceInput,
  type SourceRecord,
  type SourceRing,
  type SourcesOfDepth,
  type SourcesQuery,
  type SystemDetails,
  sample,
  sampleHeights,
  type TerrainRgb,
  type Tile,
  type TileChange,
  type TileDifference,
  type TileFormat,
  type TileRange,
  type TileReader,
  type TileServer,
  type TileSet,
  type TileStat,
  type TilesDescription,
  type TilesOfZoom,
  type TilesQuery,
  TileType,
  type TileWriter,
  type TransferContext,
  type TransferProgress,
  type TransferReport,
  type VerifyOptions,
  type VerifyReport,
  verify,
  type WriterOptions,
  type WriterStats,
} from 'flagstone'

export async function build1(
  options: BuildOptions,
  context: BuildContext & PrepareContext,
): Promise<BuildReport> {
  const phases: BuildPhase[] = []
  const onProgress = (progress: BuildProgress): void => void phases.push(progress.phase)
  const before: Estimate = await estimate(options)
  const report = await build(
    { ...options, bbox: before.bounds, quality: { byZoom: { 14: 50 } } },
    { ...context, onProgress },
  )
  const skipped: readonly SkippedSource[] = report.skipped
  const given: SourceGiven = { location: 'a.tif', priority: 1, date: '2024-06-30', bands: [1] }
  await build({ ...options, sources: ['b.tif', given] })
  const damaged: readonly DamagedSource[] | undefined = report.damaged
  const blocks: readonly DamagedBlock[] = []
  void [skipped, damaged, blocks]
  return report
}

export async function estimate1(options: BuildOptions, context: EstimateContext): Promise<Estimate> {
  const found = await estimate(options, context)
  const coverage: Coverage = found.coverage
  const encoding: EncodingPlan = found.encoding
  const levels: readonly EstimatedLevel[] = found.levels
  const depths: readonly SourcesOfDepth[] = found.depths
  const holes: readonly Hole[] = coverage.holes
  void [encoding, holes, levels, depths]
  return found
}

export function write(
  path: string,
  options: CreateOptions & WriterOptions,
  info: SealOptions,
  from: TilesDescription,
): SealReport {
  const writer: TileWriter = create(path, { ...options, overwrite: true })
  try {
    writer.append(0, 0, 0, new Uint8Array([1]), TileType.png)
    const stats: WriterStats = writer.stats
    const growth: GrowthStats = stats.growth
    void growth
    writer.setMetadata({ name: 'x' })
    // what one file says goes into the next as it is
    return writer.seal({ ...info, bounds: from.bounds, center: from.center })
  } finally {
    writer[Symbol.dispose]()
    reopen(path, options)[Symbol.dispose]()
  }
}

export async function read(
  path: string,
  options: ReaderOptions,
  query: TilesQuery,
): Promise<Tile | undefined> {
  const reader: TileReader = open(path, { ...options, zeroCopy: true })
  const range: TileRange = { minX: 0, minY: 0, maxX: 1, maxY: 1 }
  const asked: TilesOfZoom = { zoom: 1, range }
  const listed: ListedTile[] = [...reader.tiles(query), ...reader.tiles(asked)]
  const stat: TileStat | undefined = reader.stat(0, 0, 0)
  const levels: LevelInfo[] = reader.levels()
  const told: TilesDescription = describe(reader)
  const layout: LayoutDescription | undefined = told.layout
  const described: readonly LevelDescription[] = told.levels
  if (reader.kind === 'pmtiles') {
    const other: PmtilesReader = reader
    const header: PmtilesHeader = other.header
    void header
  } else {
    const own: FlatReader = reader
    void own.revision
  }
  const get: GetOptions = { signal: new AbortController().signal }
  const tile = await reader.getAsync(0, 0, 0, get)
  const into: number = reader.getInto(0, 0, 0, new Uint8Array(9))
  void [listed, stat, levels, layout, described, into]
  reader[Symbol.dispose]()
  return tile
}

export async function check(path: string, options: VerifyOptions): Promise<readonly Finding[]> {
  const tiles: TileSet = await openTileSet(path)
  tiles[Symbol.dispose]()
  const report: VerifyReport = await verify(path, { ...options, decode: true })
  return report.ok ? [] : report.findings
}

export async function pictures(tiles: TileSet, options: SampleOptions): Promise<Pixels> {
  const resampling: Resampling = 'cubic'
  const elevation: ElevationLook = 'shade'
  const encoding: TerrainRgb = 'mapbox'
  const heights: Pixels<Float32Array> | undefined = await sampleHeights(tiles, options)
  const tile: Pixels<Float32Array> = await decodeHeights(new Uint8Array(9), encoding)
  const all: Pixels<Samples>[] = [tile]
  void [heights, all]
  return sample(tiles, { ...options, resampling, elevation })
}

/** What is the caller's own goes wherever memory of one's own goes. */
export async function handOver(
  tile: Tile,
  tiles: TileSet,
  options: SampleOptions,
  maybe: AbortSignal | undefined,
): Promise<Response> {
  const { port1 } = new MessageChannel()
  port1.postMessage(tile.bytes, [tile.bytes.buffer])
  const picture: OwnPixels = await sample(tiles, options)
  const heights: OwnPixels<OwnFloats> | undefined = await sampleHeights(tiles, options)
  port1.postMessage(heights?.data, heights === undefined ? [] : [heights.data.buffer])
  port1.postMessage((await decodeHeights(tile.bytes)).data.buffer satisfies ArrayBuffer)
  const bytes: OwnBytes = picture.mask ?? picture.data
  const context: BuildContext & EstimateContext = {
    signal: maybe,
    onProgress: undefined,
    sampleSeconds: undefined,
  }
  void [new Blob([bytes]), context]
  return new Response(tile.bytes)
}

export async function serve(app: FastifyApp, sources: SourceInput[], hooks: ServerHooks): Promise<void> {
  const limits: Partial<ServerLimits> = { jobs: 2 }
  const missing: MissingPolicy = 'overzoom'
  const options: ServerOptions = { missing, limits }
  const onError = (error: unknown, request: ServerRequest): void => console.error(error, request.target)
  const events: SourceEvent[] = []
  void events
  const server: TileServer = await openTileServer(sources, { ...options, ...hooks, onError })
  const node: NodeHandler = server.node
  const fetch: FetchHandler = server.fetch
  const listening: ListeningServer = await listen(server, { port: 0 } satisfies ListenOptions)
  await listening[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  const handlerOptions: FlagstoneHandlerOptions = { sources, ...options }
  const handler: FlagstoneHandler = flagstoneHandler(handlerOptions)
  const response: Response = await handler(new Request('http://a.example/'))
  await handler[Symbol.asyncDispose]()
  const plugin: FlagstoneFastifyOptions = { sources, prefix: '/maps' }
  await flagstoneFastify(app, plugin)
  void [node, fetch, response]
}

export function rest(error: unknown): ErrorCode | undefined {
  const able: ProbeResult & Capabilities = probe('.')
  const locks: LockKind = able.locks
  const stored: ImageFormat = 'webp'
  const format: TileFormat = stored
  void [locks, format]
  if (error instanceof FlagstoneError) {
    const details: SystemDetails = { errno: error.errno }
    void details
    return error.code
  }
  return (error as ArgumentError).code
}

export async function move(
  options: ConvertOptions,
  context: TransferContext,
): Promise<readonly CopiedLevel[]> {
  const onProgress = (progress: TransferProgress): void => console.error(progress.phase)
  const report: TransferReport = await convert(options, { ...context, onProgress })
  const format: OutputFormat = report.format
  const same: DigestReport = await digest(report.out)
  console.error(format, same.digest === report.digest)
  return report.levels
}

export async function patched(options: DiffOptions, undo: string): Promise<readonly ChangedLevel[]> {
  const context: DiffContext = {
    onDifference: ({ z, x, y, change }: TileDifference) => {
      const word: TileChange = change
      console.error(word, z, x, y)
    },
  }
  const found: DiffReport = await diff(options, context)
  const before: ComparedArchive = found.before
  const given: ApplyOptions = { file: before.path, patch: found.patch?.path ?? '', undo }
  const report: ApplyReport = await apply(given)
  return report.levels
}

export async function cut(options: ExtractOptions, wanted: PlanExtractOptions): Promise<number> {
  const plan: ExtractPlan = await planExtract(wanted)
  return plan.tiles - (await extract(options)).tiles
}

export async function joined(options: MergeOptions): Promise<Duplicates> {
  const plan: MergePlan = await planMerge(options)
  if (plan.shared > 0) console.error(plan.levels)
  const report: MergeReport = await merge(options)
  return report.duplicates
}

export function outlines(sources: readonly SourceRecord[]): readonly SourceRing[] {
  return sources.flatMap(({ footprint }: { footprint: SourceFootprint | null }) =>
    footprint?.type === 'Polygon' ? footprint.coordinates : (footprint?.coordinates.flat() ?? []),
  )
}

export function shownAt(tiles: TileSet, query: SourcesQuery): string | undefined {
  return tiles.sourcesAt?.(query)[0]?.name
}
