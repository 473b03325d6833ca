// The JSON schema for editors is that of the code, and accepts what the code accepts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { batchSchema, batchShape } from '../../src/batch/options.js'
import { root } from '../helpers/paths.js'

const stored = JSON.parse(readFileSync(join(root, 'formats', 'batch-1.schema.json'), 'utf8')) as object

t.test('formats/batch-1.schema.json is up to date: npm run schema', (t) => {
  t.same(stored, JSON.parse(JSON.stringify(batchSchema())))
  t.end()
})

t.test('the schema and the code agree on what a jobs file is', (t) => {
  const validate = new Ajv({ strict: false }).compile(stored)
  const job = { command: 'build', input: 'a.tif', output: 'a.pmtiles' }
  const cases: [boolean, unknown][] = [
    [true, { jobs: [job] }],
    [true, { jobs: [{ ...job, input: ['a.tif', 2024], needs: ['b'], name: 'a' }] }],
    [true, { defaults: { build: { 'max-zoom': 3, alpha: false } }, jobs: [job] }],
    [true, { jobs: [{ ...job, options: { bbox: [1, 2, 3, 4], metadata: { a: 'b', c: 1 } } }] }],
    [false, { jobs: [] }],
    [false, {}],
    [false, []],
    [false, { jobs: [{ ...job, inputs: 'a' }] }],
    [false, { jobs: [{ command: 'build' }] }],
    [false, { jobs: [{ ...job, options: { a: null } }] }],
    [false, { jobs: [job], version: 1 }],
  ]
  for (const [isGood, value] of cases) {
    t.equal(validate(value), isGood, JSON.stringify(value))
    t.equal(batchShape.safeParse(value).success, isGood, JSON.stringify(value))
  }
  t.end()
})
