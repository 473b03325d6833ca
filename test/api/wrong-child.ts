// Throws wrong arguments at everything that is public, in a folder of its own: `node wrong-child.js FOLDER SEED`. Each call
// is said before it is made, so that a hang or a crash has a name.

import { writeSync } from 'node:fs'
import { chdir } from 'node:process'
import fc from 'fast-check'
import * as library from '../../src/index.js'
import { FlagstoneError } from '../../src/index.js'
import { type Asked, anything, type Call, coordinate, fields, given, path } from './wrong-things.js'
import { transferCalls } from './wrong-transfer.js'

const [folder, seed] = process.argv.slice(2) as [string, string]
chdir(folder)

const { build, create, decodeHeights, describe, estimate, flagstoneFastify, flagstoneHandler } = library
const { listen, open, openTileServer, probe, reopen, sample, sampleHeights } = library

const readerFields = fields('mode', 'zeroCopy', 'check', 'pooled', 'levels', 'waitMs')
const writerFields = fields(
  'levels',
  'dedupe',
  'growth',
  'commitBytes',
  'commitSeconds',
  'stagingBytes',
  'cache',
  'initialRegionBytes',
  'tailRecords',
  'overwrite',
)
const buildFields = fields(
  'sources',
  'out',
  'zoom',
  'minZoom',
  'bands',
  'rescale',
  'colormap',
  'quality',
  'bbox',
  'nodata',
  'threads',
  'metadata',
  'cutline',
  'tileSize',
)
const contextFields = fields('signal', 'onProgress', 'onNote', 'useCaller', 'sampleSeconds')
const sampleFields = fields(
  'bbox',
  'width',
  'height',
  'resampling',
  'enlarging',
  'zoom',
  'maxTiles',
  'elevation',
  'signal',
)
const serverFields = fields(
  'missing',
  'cors',
  'publicUrl',
  'basePath',
  'trustProxy',
  'limits',
  'onError',
  'onAnswer',
  'watch',
  'folderDepth',
  'openFiles',
)
const queryFields = fields('zoom', 'range', 'bbox')
const sources = fc.oneof(path, fields('id', 'path', 'reader', 'missing'), fc.array(path, { maxLength: 2 }))

const flat = open('flat.pmtiles')
const foreign = open('foreign.pmtiles')
const writer = create('writer.pmtiles')
writer.append(1, 0, 0, new Uint8Array([1, 2, 3]))
const server = await openTileServer('flat.pmtiles')

async function used(what: unknown): Promise<unknown> {
  const value = await what
  if (typeof value === 'object' && value !== null && 'close' in value) await (value.close as () => unknown)()
  return value
}

const calls: Record<string, Asked> = {
  ...transferCalls,
  open: [(...args) => used(open(...(args as [never]))), path, readerFields],
  create: [(...args) => used(create(...(args as [never]))), path, writerFields],
  reopen: [(...args) => used(reopen(...(args as [never]))), path, writerFields],
  build: [build as Call, buildFields, contextFields],
  estimate: [estimate as Call, buildFields, contextFields],
  'build, one option': [
    (more, context) => build(given({ sources: ['missing.tif'], out: 'o.pmtiles' }, more) as never, context),
    buildFields,
    contextFields,
  ],
  sample: [sample as Call, anything, sampleFields],
  'sample, one option': [
    (more) => sample(flat, given({ bbox: [0, 0, 1, 1], width: 8, height: 8 }, more) as never),
    sampleFields,
  ],
  sampleHeights: [
    (more) => sampleHeights(flat, given({ bbox: [0, 0, 1, 1], width: 8, height: 8 }, more) as never),
    sampleFields,
  ],
  decodeHeights: [decodeHeights as Call, anything, anything],
  describe: [describe as Call, anything],
  probe: [probe as Call, path.filter((value) => value !== 'folder')],
  openTileServer: [(...args) => used(openTileServer(...(args as [never]))), sources, serverFields],
  listen: [
    (...args) => used(listen(...(args as [never]))),
    anything,
    fields('host', 'port', 'tls', 'headers', 'headersMs'),
  ],
  'listen, one option': [
    // a host that is looked up may take long
    (more) => used(listen(server, given({ port: 0 }, more) as never)),
    fields('port', 'tls', 'headers', 'headersMs', 'connections', 'headerBytes').filter(
      (value) => typeof value === 'object' && value !== null,
    ),
  ],
  flagstoneHandler: [
    (...args) => {
      const handler = flagstoneHandler(...(args as [never]))
      return handler.ready.finally(() => handler.close())
    },
    fc.oneof(
      anything,
      sources.map((one) => ({ sources: one })),
      serverFields.map((more) => given({ sources: 'flat.pmtiles' }, more)),
    ),
  ],
  'a handler': [
    (...args) => flagstoneHandler({ sources: 'flat.pmtiles' })(...(args as [never])),
    anything.filter((value) => typeof (value as { headers?: unknown } | null)?.headers !== 'object'),
  ],
  flagstoneFastify: [
    flagstoneFastify as Call,
    anything,
    fc.oneof(
      anything,
      sources.map((one) => ({ sources: one })),
    ),
  ],
  append: [
    (...args) => writer.append(...(args as unknown as [never, never, never, never])),
    coordinate,
    coordinate,
    coordinate,
    anything,
    anything,
  ],
  'append, one argument': [(bytes, type) => writer.append(1, 1, 1, bytes, type), anything, anything],
  remove: [
    (...args) => writer.remove(...(args as unknown as [never, never, never])),
    coordinate,
    coordinate,
    coordinate,
  ],
  'writer.get': [
    (...args) => writer.get(...(args as unknown as [never, never, never])),
    coordinate,
    coordinate,
    coordinate,
  ],
  'writer.has': [
    (...args) => writer.has(...(args as unknown as [never, never, never])),
    coordinate,
    coordinate,
    coordinate,
  ],
  setMetadata: [(value) => writer.setMetadata(value), anything],
  setSources: [(value) => writer.setSources(value as never), anything],
  'setSources, one record': [
    (id, footprint, properties) =>
      writer.setSources([
        { id, footprint, properties, name: 'n', order: 0, zoom: 0, resolution: 1, fingerprint: 'f' } as never,
      ]),
    anything,
    anything,
    anything,
  ],
  seal: [(value) => writer.seal(value), fields('bounds', 'center', 'metadata', 'placement')],
}
for (const [name, reader] of Object.entries({ flat, foreign })) {
  type Three = [never, never, never]
  calls[`${name}.get`] = [
    (...args) => reader.get(...(args as unknown as Three)),
    coordinate,
    coordinate,
    coordinate,
  ]
  calls[`${name}.has`] = [
    (...args) => reader.has(...(args as unknown as Three)),
    coordinate,
    coordinate,
    coordinate,
  ]
  calls[`${name}.stat`] = [
    (...args) => reader.stat(...(args as unknown as Three)),
    coordinate,
    coordinate,
    coordinate,
  ]
  calls[`${name}.getInto`] = [
    (z, x, y, into) => reader.getInto(z, x, y, into),
    coordinate,
    coordinate,
    coordinate,
    anything,
  ]
  calls[`${name}.getInto, one argument`] = [(into) => reader.getInto(0, 0, 0, into), anything]
  calls[`${name}.getAsync`] = [
    (z, x, y, how) => reader.getAsync(z, x, y, how),
    coordinate,
    coordinate,
    coordinate,
    fields('signal'),
  ]
  calls[`${name}.sourcesAt`] = [(query) => reader.sourcesAt(query as never), fields('point', 'bbox')]
  calls[`${name}.tiles`] = [(query) => [...reader.tiles(query)], queryFields]
  calls[`${name}.tiles, a bbox`] = [
    (query) => [...reader.tiles(query)],
    fc.record(
      { zoom: coordinate, bbox: fc.array(fc.oneof(fc.double(), anything), { maxLength: 5 }) },
      { requiredKeys: ['bbox'] },
    ),
  ]
  calls[`${name}.tiles, a range`] = [
    (query) => [...reader.tiles(query)],
    fc.record({
      zoom: fc.oneof(fc.integer({ min: 0, max: 26 }), anything),
      range: fc.record(
        { minX: coordinate, minY: coordinate, maxX: coordinate, maxY: coordinate },
        { requiredKeys: [] },
      ),
    }),
  ]
}

/** What a program that does not look at its arguments says. */
const ACCIDENT =
  /^Cannot |is not (a function|iterable|a constructor)|Invalid array length|call stack|undefined \(/

async function complaintOf(call: Call, args: unknown[]): Promise<string | undefined> {
  try {
    await call(...(args as never[]))
    return undefined
  } catch (error) {
    const isExpected =
      error instanceof TypeError || error instanceof RangeError || error instanceof FlagstoneError
    if (isExpected && !ACCIDENT.test(error.message)) return undefined
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

process.on('unhandledRejection', (error) => {
  console.log(`unhandled: ${error instanceof Error ? error.stack : String(error)}`)
  process.exit(1)
})

for (const [name, [call, ...arbitraries]] of Object.entries(calls)) {
  const property = fc.asyncProperty(fc.tuple(...arbitraries), async (args) => {
    // not console.log: what is under way has to be told before a crash
    writeSync(
      1,
      `calling ${name}(${args
        .map((arg) => fc.stringify(arg))
        .join(', ')
        .replaceAll('\n', ' ')})\n`,
    )
    const complaint = await complaintOf(call, args)
    if (complaint !== undefined) throw new Error(complaint)
  })
  const found = await fc.check(property, { numRuns: 80, seed: Number(seed), endOnFailure: false })
  if (found.failed) {
    const [args] = found.counterexample as [unknown[]]
    console.log(
      `wrong: ${name}(${args.map((arg) => fc.stringify(arg)).join(', ')}): ${(found.errorInstance as Error).message}`,
    )
    process.exitCode = 1
  }
}
flat.close()
foreign.close()
writer.abandon()
await server.close()
console.log('done')
