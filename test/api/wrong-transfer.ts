// The calls of the functions that read and write whole archives, for wrong-child.ts.
import fc from 'fast-check'
import {
  apply,
  convert,
  diff,
  digest,
  extract,
  merge,
  openTileSet,
  planExtract,
  planMerge,
  verify,
} from '../../src/index.js'
import { type Asked, anything, type Call, fields, given, path } from './wrong-things.js'

const archive = fc.oneof(path, fc.constantFrom<unknown>('flat.pmtiles', 'foreign.pmtiles'))
const output = fc.oneof(
  path,
  fc.constantFrom<unknown>('o.pmtiles', 'o.mbtiles', 'o.zip', 'o.ft', 'o/', 'flat.pmtiles'),
)
const context = fields('signal', 'onProgress', 'onDifference')
const outputKeys = ['to', 'mbtilesType', 'scheme', 'frastColours', 'overwrite'] as const
const areaKeys = ['bbox', 'region', 'minZoom', 'maxZoom'] as const
const formKeys = ['format', 'quality', 'lossless', 'background', 'tileSize', 'terrain', 'raw'] as const

/** Options that are objects or nothing: with what is right beside them, no other text is a path. */
const without = (first: object, ...keys: string[]): fc.Arbitrary<unknown> =>
  fields(...keys).map((more) => given(first, more))
const places = (shape: Record<string, fc.Arbitrary<unknown>>, ...keys: string[]): fc.Arbitrary<unknown> =>
  fc.tuple(fc.record(shape, { requiredKeys: [] }), fields(...keys)).map(([first, more]) => given(first, more))

const asked = (
  call: unknown,
  right: object,
  keys: string[],
  paths: Record<string, fc.Arbitrary<unknown>>,
) => ({
  'anything at all': [call as Call, anything, context] as Asked,
  'one option': [call as Call, without(right, ...keys), context] as Asked,
  'any place': [call as Call, places(paths, ...keys), context] as Asked,
})

const flatToOther = { source: 'flat.pmtiles', out: 'other.pmtiles', overwrite: true }
const both = { before: 'flat.pmtiles', after: 'foreign.pmtiles' }
const list = fc.oneof(anything, fc.array(archive, { maxLength: 3 }))
const groups = {
  convert: asked(convert, flatToOther, [...outputKeys, 'minZoom', 'maxZoom', ...formKeys], {
    source: archive,
    out: output,
  }),
  extract: asked(extract, flatToOther, [...outputKeys, ...areaKeys], { source: archive, out: output }),
  planExtract: asked(planExtract, { source: 'flat.pmtiles' }, [...areaKeys], { source: archive }),
  merge: asked(
    merge,
    { sources: ['flat.pmtiles', 'foreign.pmtiles'], out: 'merged.pmtiles', overwrite: true },
    [...outputKeys, 'onDuplicate'],
    { sources: list, out: output },
  ),
  planMerge: asked(planMerge, { sources: ['flat.pmtiles', 'foreign.pmtiles'] }, ['onDuplicate'], {
    sources: list,
  }),
  diff: asked(diff, both, ['allowEmpty', 'overwrite'], { before: archive, after: archive, patch: output }),
  apply: asked(apply, { file: 'flat.pmtiles', patch: 'foreign.pmtiles' }, ['overwrite', 'force', 'dryRun'], {
    file: archive,
    patch: archive,
    undo: output,
  }),
}

export const transferCalls: Record<string, Asked> = {
  openTileSet: [async (given) => (await openTileSet(given)).close(), archive],
  verify: [verify as Call, archive, fields('decode', 'signal', 'zooms', 'onProgress')],
  digest: [digest as Call, archive, context],
  ...Object.fromEntries(
    Object.entries(groups).flatMap(([name, calls]) =>
      Object.entries(calls).map(([what, call]) => [`${name}, ${what}`, call]),
    ),
  ),
}
