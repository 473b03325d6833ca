// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the variables of jobs files
// A jobs file that is wrong is refused with one sentence that says where.
import t from 'tap'
import { parseJobs } from '../../src/batch/jobs-file.js'

const read = (text: string, env: Record<string, string> = {}) =>
  parseJobs(Buffer.from(text), 'jobs.yaml', env)

const JOB = 'jobs:\n  - command: build\n    input: a.tif\n    output: '

t.test('jobs, with the place of each', (t) => {
  const file = read(
    'defaults: { build: { quality: 70 } }\njobs:\n  - { command: verify, input: 1 }\n  - command: a\n    input: [b, c]\n',
  )
  t.match(file.jobs, [
    { command: 'verify', input: 1 },
    { command: 'a', input: ['b', 'c'] },
  ])
  t.equal(file.placeOf(0), 'jobs.yaml:3:5')
  t.equal(file.placeOf(1), 'jobs.yaml:4:5')
  t.same(file.defaults, { build: { quality: 70 } })
  t.end()
})

t.test('anchors and merged maps', (t) => {
  const file = read(
    'jobs:\n  - &one { command: verify, input: a, options: { decode: true } }\n  - { <<: *one, input: b }\n',
  )
  t.same(file.jobs[1], { command: 'verify', input: 'b', options: { decode: true } })
  t.end()
})

t.test('variables', (t) => {
  const output = (text: string, env?: Record<string, string>): unknown =>
    read(`${JOB}${text}\n`, env).jobs[0]!.output
  t.equal(output('${A}/x', { A: 'out' }), 'out/x')
  t.equal(output('${A:in/deep}/x'), 'in/deep/x')
  t.equal(output('${A:no}/x', { A: '' }), '/x', 'a variable that is set but empty is empty')
  t.equal(output('${A:}x'), 'x')
  t.equal(output('"${A:-84.1}"'), '-84.1')
  t.equal(output('a$$b$c$$${D}', { D: 'd' }), 'a$b$c$d')
  t.equal(output('"$${A}"'), '${A}')
  t.equal(output('${A}', { A: '${B}' }), '${B}', 'values are not read again')
  t.end()
})

const CASES: readonly (readonly [text: string, message: RegExp | string])[] = [
  ['', 'jobs.yaml:1:1: expected a map with jobs:, a list of jobs.'],
  ['- a', 'jobs.yaml:1:1: expected a map with jobs:, a list of jobs.'],
  ['jobs: {}', 'jobs.yaml:1:7: jobs: expected a list of jobs.'],
  ['jobs: []', 'jobs.yaml:1:7: jobs: it is empty.'],
  ['jobs:\n  - build', /^jobs\.yaml:2:5: jobs\.0: expected a job, such as/],
  [
    'jobs:\n  - command: build\n    input: a\n    ouput: b',
    /^jobs\.yaml:4:5: there is no 'ouput'; did you mean 'output'\? here/,
  ],
  ['job:\n  - a', /^jobs\.yaml:1:1: there is no 'job'; did you mean 'jobs'\? here/],
  [
    'jobs:\n  - comand: build\n    input: a',
    /^jobs\.yaml:2:5: there is no 'comand'; did you mean 'command'\? here/,
  ],
  ['jobs:\n  - command: a\n  - inputs: b', /^jobs\.yaml:2:5: jobs\.0\.input/],
  ['jobs:\n  - command: build', /^jobs\.yaml:2:5: jobs\.0\.input: expected a path or a list of paths/],
  ['jobs:\n  - command: 3\n    input: a', 'jobs.yaml:2:14: jobs.0.command: expected a text.'],
  ['jobs:\n  - command: a\n    input: [a, [b]]', /^jobs\.yaml:3:\d+: jobs\.0\.input/],
  [`${JOB}b\n    options: { a: null }`, /^jobs\.yaml:5:19: jobs\.0\.options\.a: expected a text, a number/],
  [`${JOB}b\n    options: [a]`, /^jobs\.yaml:5:14: jobs\.0\.options: expected options by name/],
  ['jobs: [1\n', /^jobs\.yaml:2:1: Flow sequence/],
  ['jobs:\n  - command: a\n    command: b', 'jobs.yaml:3:5: Map keys must be unique.'],
  ['jobs: !!js/function "a"', /^jobs\.yaml:1:7: Unresolved tag/],
  [
    'jobs: [{ output: a/{name}.b }]',
    /^jobs\.yaml:1:20: .*write paths with \{name\}, \{dir\} or \{ext\} in quotes\.$/,
  ],
  ['jobs: *nobody', /^jobs\.yaml:1:7: there is no anchor &nobody/],
  ['a: 1\n---\nb: 2', /^jobs\.yaml:2:1: Source contains multiple documents/],
  [
    `${JOB}\${NOBODY}`,
    'jobs.yaml:4:13: The variable NOBODY is not set; set it, or give it a default value: ${NOBODY:value}.',
  ],
  [`${JOB}"\${}"`, /^jobs\.yaml:4:13: '\$\{\}' is not a variable/],
  [`${JOB}"\${A-B}"`, /^jobs\.yaml:4:13: '\$\{A-B\}' is not a variable/],
  [`${JOB}"\${A"`, /^jobs\.yaml:4:13: '\$\{A' is not a variable/],
  ['jobs: "\0"', /is not text/],
]

t.test('what is wrong, and where', (t) => {
  for (const [text, message] of CASES)
    t.throws(() => read(text), { code: 'BAD_OPTION', message }, JSON.stringify(text))
  t.throws(() => parseJobs(Uint8Array.of(0xff, 0xfe, 0x00), 'jobs.yaml', {}), { message: /is not text/ })
  t.end()
})

t.test('hostile files end with a sentence, too', (t) => {
  const levels = 'bcdefghijk'.split('')
  const nine = (i: number): string =>
    Array(9)
      .fill(`*${levels[i - 1] ?? 'a'}`)
      .join(',')
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...levels.map((c, i) => `${c}: &${c} [${nine(i)}]`)]
  t.throws(() => read(`${bomb.join('\n')}\njobs: *k\n`), {
    code: 'BAD_OPTION',
    message: /^jobs\.yaml:2:\d+: its aliases/,
  })
  t.throws(() => read('['.repeat(20_000)), { code: 'BAD_OPTION', message: /jobs\.yaml/ })
  t.throws(
    () => read('jobs: &j\n  - *j\n'),
    { code: 'BAD_OPTION', message: /^jobs\.yaml:/ },
    'an alias of itself',
  )
  t.throws(
    () => read('jobs:\n  - { command: a, input: b, options: { __proto__: { x: 1 } } }\n__proto__: 1'),
    { code: 'BAD_OPTION' },
  )
  t.equal(({} as { x?: number }).x, undefined)
  t.end()
})
