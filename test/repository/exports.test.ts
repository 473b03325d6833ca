// What src exports is used by another file: an export nobody imports is dead, or needs no `export`. What only tests
// import stands in TESTS_ONLY, with the reason. A type may also be exported because an export of its file speaks of it.
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../helpers/paths.js'

/** Exports of src which the product imports nowhere, by their reason. */
const TESTS_ONLY: Record<string, readonly string[]> = {
  'the fields of a record one at a time, as the document names them': [
    'format/record.ts writeRecord',
    'format/record.ts recordContentCrc',
    'format/record.ts recordKey',
    'format/record.ts recordOffset',
    'format/record.ts recordType',
    'format/record.ts recordFlags',
    'format/record.ts recordLength',
    'format/record.ts recordCheck',
    'format/record.ts checkAt',
    'format/layout.ts RECORD_SIZES',
    'format/layout.ts LEVEL_SIZES',
  ],
  'the search as the document has it, which the store writes out for its own index': [
    'format/search.ts findRecord',
    'format/search.ts findInTail',
    'format/directory.ts entryAt',
  ],
  'a step whose edges the whole does not show': [
    'batch/jobs-file.ts parseJobs',
    'cli/ascii.ts toAscii',
    'cli/progress.ts progressLine',
    'platform/rename.ts renameNoReplace',
    'grid/place/located.ts crsAt',
    'grid/tiles/great-circle.ts pointBetween',
    'grid/tiles/mercator.ts tileBounds',
    'grid/tiles/mercator.ts boundsToLonLat',
    'pyramid/estimate/sample.ts vanDerCorput',
    'pyramid/output/checkpoint.ts encodeCheckpoint',
    'pyramid/output/checkpoint.ts decodeCheckpoint',
    'pyramid/sources/value-sample.ts windowsOf',
    'pyramid/sources/value-sample.ts Collector',
    'raster/tiles/terrain.ts rgbToHeights',
    'raster/warp/kernels/kernel.ts wideningOf',
    'raster/words.ts wordsOf',
    'server/describe/wmts-document.ts xml',
    'store/nearest.ts nearest',
  ],
  'a limit or constant a test must know': [
    'grid/tiles/mercator.ts EARTH_RADIUS',
    'pyramid/work/task-board.ts MAX_TASKS',
    'raster/warp/warp-plan.ts TOLERANCE_PX',
  ],
  'the slower way of two, taken where the machine lacks the faster': [
    'format/crc.ts crc32Js',
    'raster/tiff/codecs/lzw.ts isOldLzw',
    'raster/tiff/codecs/lzw.ts decodeHere',
    'raster/tiff/codecs/zstd.ts nodeZstd',
    'raster/tiff/codecs/zstd.ts packageZstd',
    'raster/tiff/codecs/zstd.ts decodeZstdBy',
  ],
  'schemas the README is compared with': [
    'pyramid/options.ts buildOptions',
    'server/options.ts serverLimits',
  ],
  'the schema for editors, which a script writes to formats/': ['batch/options.ts batchSchema'],
  'the table of systems, for its tests and the script that makes it': [
    'grid/crs/datum-shifts.ts hasShift',
    'grid/crs/datum-shifts.ts shiftsDiffer',
    'grid/crs/epsg-table.ts epsgText',
    'grid/crs/epsg-table.ts epsgConversionCodes',
    'grid/crs/epsg-table.ts epsgCodes',
  ],
  'a file that is not at a path: tests have theirs in memory, benches open one twice': [
    'store/read/open.ts openReader',
  ],
  'for the reader that passes the page cache, the writer that leaves it alone, and reads that say what they will read (issue 12)':
    ['platform/direct.ts allocateAligned', 'platform/mmap.ts advise'],
}

const EXPORT =
  /^export (?:declare )?(?:async )?(?:abstract )?(?<kind>function\*?|class|const|let|enum|interface|type) (?<name>\w+)/gm
const IMPORT = /(?:^|\n)\s*(?:import|export)\b(?<clause>[^'"`;]*?)from\s*['"](?<from>\.[^'"]+)['"]/g
const DYNAMIC = /import\(\s*['"](?<from>\.[^'"]+)['"]\s*\)/g

/** Asked for by name by Node itself. */
const HOOKS = new Set(['platform/gentle-loader.ts load'])

const textOf = new Map<string, string>(
  ['src', 'test', 'scripts'].flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .filter((file) => file.endsWith('.ts') && !file.startsWith('raster/wasm/'))
      .map((file) => [`${folder}/${file}`, readFileSync(join(root, folder, file), 'utf8')] as const),
  ),
)

const usersOf = new Map<string, Set<string>>()

function note(from: string, file: string, name: string): void {
  const key = `${normalize(join(file, '..', from)).replace(/\.js$/, '.ts')} ${name}`
  usersOf.set(key, (usersOf.get(key) ?? new Set()).add(file))
}

for (const [file, text] of textOf) {
  for (const { groups } of text.matchAll(IMPORT)) {
    const { clause = '', from = '' } = groups!
    const isWhole = /\*/.test(clause)
    for (const name of (isWhole ? text : clause).match(/\w+/g) ?? []) note(from, file, name)
  }
  const names = new Set(text.match(/\w+/g))
  for (const { groups } of text.matchAll(DYNAMIC)) for (const name of names) note(groups!.from!, file, name)
}

interface Export {
  readonly file: string
  readonly name: string
  readonly isType: boolean
  readonly users: readonly string[]
}

const exported = [...textOf]
  .filter(([file]) => file.startsWith('src/') && file !== 'src/index.ts')
  .flatMap(([file, text]) =>
    [...text.matchAll(EXPORT)].map(({ groups }): Export => {
      const { kind = '', name = '' } = groups!
      return {
        file,
        name,
        isType: kind === 'interface' || kind === 'type',
        users: [...(usersOf.get(`${file} ${name}`) ?? [])],
      }
    }),
  )

/** Whether the signature of another export of its file speaks of the type. */
function isSpokenOf({ file, name }: Export): boolean {
  const source = ts.createSourceFile(file, textOf.get(file)!, ts.ScriptTarget.Latest)
  const speaks = (node: ts.Node): boolean => {
    if (ts.isBlock(node)) return false
    if (ts.isTypeReferenceNode(node) && (node.typeName as ts.Identifier).text === name) return true
    if (ts.isExpressionWithTypeArguments(node) && (node.expression as ts.Identifier).text === name)
      return true
    return ts.forEachChild(node, speaks) ?? false
  }
  return source.statements.some((statement) => {
    const isExport =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    const own = (statement as ts.InterfaceDeclaration).name?.text
    return isExport && own !== name && speaks(statement)
  })
}

const nameOf = ({ file, name }: Export): string => `${file.slice('src/'.length)} ${name}`

t.test('every export of src is imported by another file', (t) => {
  t.ok(exported.length > 1000, `${exported.length} exports were read`)
  const dead = exported
    .filter((found) => found.users.length === 0 && !HOOKS.has(nameOf(found)))
    .filter((found) => !(found.isType && isSpokenOf(found)))
  t.same(dead.map(nameOf), [])
  t.end()
})

t.test('what only tests and scripts import is known, with the reason', (t) => {
  const found = exported
    .filter(
      ({ isType, users }) => !isType && users.length > 0 && !users.some((file) => file.startsWith('src/')),
    )
    .map(nameOf)
  const known = Object.values(TESTS_ONLY).flat()
  t.same(
    found.filter((name) => !known.includes(name)),
    [],
    'none is new',
  )
  t.same(
    known.filter((name) => !found.includes(name)),
    [],
    'none is listed in vain',
  )
  t.end()
})
