// What the package's types promise: every type that a public signature names is exported, options show their comments in
// editors, and a strict program that uses all of it compiles.
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { create, flagstoneHandler, listen, open, openTileServer } from '../../src/index.js'
import { root } from '../helpers/paths.js'

const CONSUMER = `
import {
  build, create, decodeHeights, describe, estimate, FlagstoneError, flagstoneFastify, flagstoneHandler, listen, open,
  openTileServer, openTileSet, probe, verify, reopen, sample, sampleHeights, TileType,
  type ArgumentError, type BuildContext, type BuildOptions, type BuildPhase, type BuildProgress, type BuildReport,
  type Capabilities, type Coverage, type CreateOptions, type ElevationLook, type EncodingPlan, type ErrorCode,
  type Estimate, type EstimateContext, type FastifyApp, type FetchHandler, type FlagstoneFastifyOptions,
  type FlagstoneHandler, type FlagstoneHandlerOptions, type FlatReader, type GetOptions, type GrowthStats, type Hole,
  type LayoutDescription, type LevelDescription, type LevelInfo, type ListedTile, type ListeningServer, type ListenOptions,
  type LockKind, type MissingPolicy, type NodeHandler, type OwnBytes, type OwnFloats, type OwnPixels, type Pixels, type PmtilesHeader, type PmtilesReader,
  type PrepareContext, type ProbeResult, type ReaderOptions, type Resampling, type SampleOptions,
  type Samples, type SealOptions, type SealReport, type ServerHooks, type ServerRequest, type Finding, type VerifyOptions, type VerifyReport, type ServerLimits, type ServerOptions,
  type SkippedSource, type DamagedSource, type DamagedBlock, type SourceEvent, type SourceInput, type SystemDetails, type TerrainRgb, type Tile, type TileFormat,
  type TileRange, type TileReader, type TileServer, type TileSet, type TilesDescription, type TilesOfZoom,
  type TilesQuery, type TileStat, type TileWriter, type WriterOptions, type WriterStats,
} from 'flagstone'

export async function build1(options: BuildOptions, context: BuildContext & PrepareContext): Promise<BuildReport> {
  const phases: BuildPhase[] = []
  const onProgress = (progress: BuildProgress): void => void phases.push(progress.phase)
  const report = await build({ ...options, quality: { byZoom: { 14: 50 } }, bbox: [7, 46, 8, 47] }, { ...context, onProgress })
  const skipped: readonly SkippedSource[] = report.skipped
  const damaged: readonly DamagedSource[] | undefined = report.damaged
  const blocks: readonly DamagedBlock[] = []
  void [skipped, damaged, blocks]
  return report
}

export async function estimate1(options: BuildOptions, context: EstimateContext): Promise<Estimate> {
  const found = await estimate(options, context)
  const coverage: Coverage = found.coverage
  const encoding: EncodingPlan = found.encoding
  const holes: readonly Hole[] = coverage.holes
  void [encoding, holes]
  return found
}

export function write(path: string, options: CreateOptions & WriterOptions, info: SealOptions): SealReport {
  const writer: TileWriter = create(path, { ...options, overwrite: true })
  try {
    writer.append(0, 0, 0, new Uint8Array([1]), TileType.png)
    const stats: WriterStats = writer.stats
    const growth: GrowthStats = stats.growth
    void growth
    writer.setMetadata({ name: 'x' })
    return writer.seal(info)
  } finally {
    writer[Symbol.dispose]()
    reopen(path, options)[Symbol.dispose]()
  }
}

export async function read(path: string, options: ReaderOptions, query: TilesQuery): Promise<Tile | undefined> {
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
export async function handOver(tile: Tile, tiles: TileSet, options: SampleOptions, maybe: AbortSignal | undefined): Promise<Response> {
  const { port1 } = new MessageChannel()
  port1.postMessage(tile.bytes, [tile.bytes.buffer])
  const picture: OwnPixels = await sample(tiles, options)
  const heights: OwnPixels<OwnFloats> | undefined = await sampleHeights(tiles, options)
  port1.postMessage(heights?.data, heights === undefined ? [] : [heights.data.buffer])
  port1.postMessage((await decodeHeights(tile.bytes)).data.buffer satisfies ArrayBuffer)
  const bytes: OwnBytes = picture.mask ?? picture.data
  const context: BuildContext & EstimateContext = { signal: maybe, onProgress: undefined, sampleSeconds: undefined }
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
  const format: TileFormat = 'webp'
  void [locks, format]
  if (error instanceof FlagstoneError) {
    const details: SystemDetails = { errno: error.errno }
    void details
    return error.code
  }
  return (error as ArgumentError).code
}
`

const foreign = join(root, 'fixtures', 'valid', 'foreign.pmtiles')

let read: Library | undefined

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUnusedLocals: true,
  noEmit: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  types: ['node'],
  skipLibCheck: true,
}

t.test('a strict program that names every public type compiles against the package', (t) => {
  const directory = t.testdir({ 'consumer.ts': CONSUMER, 'package.json': '{ "type": "module" }' })
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(root, join(directory, 'node_modules', 'flagstone'))
  symlinkSync(join(root, 'node_modules', '@types'), join(directory, 'node_modules', '@types'))
  const path = join(directory, 'consumer.ts')
  const program = ts.createProgram([path], OPTIONS)
  const complaints = ts.getPreEmitDiagnostics(program).map(({ messageText, start, file }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
  t.same(complaints, [])
  const named = new Set(CONSUMER.match(/\b[A-Za-z]+\b/g))
  const { exports } = library()
  t.same(
    [...exports.keys()].filter((name) => !named.has(name)),
    [],
    'nothing that is public was forgotten',
  )
  t.end()
})

interface Library {
  readonly checker: ts.TypeChecker
  readonly exports: Map<string, ts.Symbol>
}

/** What index.d.ts exports, by name, links followed. */
function library(): Library {
  if (read !== undefined) return read
  const path = join(root, 'dist', 'src', 'index.d.ts')
  const program = ts.createProgram([path], OPTIONS)
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(path)!)!
  const exports = new Map<string, ts.Symbol>()
  for (const symbol of checker.getExportsOfModule(module)) {
    const isLink = (symbol.flags & ts.SymbolFlags.Alias) !== 0
    exports.set(symbol.name, isLink ? checker.getAliasedSymbol(symbol) : symbol)
  }
  read = { checker, exports }
  return read
}

const isOurs = (node: ts.Node): boolean => node.getSourceFile().fileName.includes('/dist/src/')

/** Types that a declaration names: not the shapes that options are made of, nor the alias that makes them. */
function namedTypes(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol[] {
  const found: ts.Symbol[] = []
  const look = (node: ts.Node): void => {
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : undefined
    let type = name && checker.getSymbolAtLocation(name)
    if (type !== undefined && (type.flags & ts.SymbolFlags.Alias) !== 0) type = checker.getAliasedSymbol(type)
    const declared = type?.declarations?.[0]
    if (declared !== undefined && isOurs(declared) && !ts.isTypeParameterDeclaration(declared))
      found.push(type!)
    ts.forEachChild(node, look)
  }
  for (const declaration of symbol.declarations ?? [])
    if (isOurs(declaration)) ts.forEachChild(declaration, look)
  return found.filter(({ name }) => name !== 'Given')
}

t.test('every type that a public signature names is exported', (t) => {
  const { checker, exports } = library()
  const known = new Set(exports.values())
  const missing = new Set<string>()
  const waiting = [...known]
  const seen = new Set<ts.Symbol>()
  for (let symbol = waiting.pop(); symbol !== undefined; symbol = waiting.pop()) {
    if (seen.has(symbol)) continue
    seen.add(symbol)
    for (const type of namedTypes(checker, symbol)) {
      if (!known.has(type)) missing.add(`${type.name}, named by ${symbol.name}`)
      waiting.push(type)
    }
  }
  t.ok(seen.size > 60)
  t.same([...missing], [])
  t.end()
})

t.test('every option has a comment that editors show', (t) => {
  const { checker, exports } = library()
  const without: string[] = []
  let count = 0
  for (const [name, symbol] of exports) {
    if (!/(Options|SealOptions|Limits|Context|Hooks|Query)$/.test(name)) continue
    for (const property of checker.getDeclaredTypeOfSymbol(symbol).getProperties()) {
      count++
      if (property.getDocumentationComment(checker).length === 0) without.push(`${name}.${property.name}`)
    }
  }
  t.ok(count > 100, `${count} options`)
  t.same(without, [])
  t.end()
})

t.test('what is opened can be closed by `using`', async (t) => {
  const path = join(t.testdir(), 'a.pmtiles')
  const writer = create(path)
  writer.append(0, 0, 0, new Uint8Array([1, 2, 3]))
  writer.seal()
  writer[Symbol.dispose]()
  t.throws(() => writer.commit(), new TypeError('this writer is closed'))
  for (const reader of [open(path), open(foreign)]) {
    reader[Symbol.dispose]()
    t.throws(() => reader.get(0, 0, 0), new TypeError('this reader is closed'))
  }
  const server = await openTileServer(path)
  const listening = await listen(server, { port: 0 })
  await listening[Symbol.asyncDispose]()
  await t.rejects(fetch(listening.url))
  const handler = flagstoneHandler({ sources: path })
  await handler.ready
  await handler[Symbol.asyncDispose]()
  t.equal((await handler(new Request('http://a.example/a/0/0/0'))).status, 404, 'its sources are closed')
})
