// `npm run bench -- build|depth|get|append|growth|hilbert|open|serve|convert|soak`: numbers with their neighbours, from one run.
//
// Invariants: peers are measured in turns with ours, in the same run; medians of several rounds; what is
// printed was measured; nothing is left behind.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Context } from './context.js'
import { describeMachine } from './machine.js'
import { asJson, asText, type Report } from './report.js'

/** Loaded when asked for: what one bench needs shall not be in the way of another. */
const BENCHES: Record<string, () => Promise<(context: Context) => Promise<Report>>> = {
  build: async () => (await import('./build.js')).benchBuild,
  depth: async () => (await import('./depth.js')).benchDepth,
  get: async () => (await import('./get.js')).benchGet,
  append: async () => (await import('./append.js')).benchAppend,
  growth: async () => (await import('./growth.js')).benchGrowth,
  hilbert: async () => (await import('./hilbert.js')).benchHilbert,
  open: async () => (await import('./open.js')).benchOpen,
  serve: async () => (await import('./serve.js')).benchServe,
  convert: async () => (await import('./convert.js')).benchConvert,
  soak: async () => (await import('./soak.js')).benchSoak,
}

const USAGE = `usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [options]

  --dir DIR       scratch directory on the file system to measure (default: the system's); what is made there is removed
  --rounds N      rounds a variant (default: each bench has its own number)
  --quick         small sizes, to see whether it runs
  --tiny          smaller still
  --json          the report as JSON
  --source TIF    build: this image (default: one is made)
  --case NAMES    build: deflate, jpeg, rgba, bands16, terrain, strips, scaling, by comma (default: deflate,jpeg)
  --all           build: all of them
  --peers DIR     serve, convert: where tileserver-gl-light and VersaTiles are installed, now or before (default: the scratch directory)
  --peer-node FILE  convert: the Node that runs VersaTiles, where this one has too old a glibc (default: this one)
  --minutes N     soak: how long (default 10)
  --size PX       build, depth: width and height of the image that is made (default 20480; 4096 when --quick; depth: 8192; 2048)
`

const OPTIONS = {
  dir: { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  tiny: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  source: { type: 'string' },
  case: { type: 'string' },
  all: { type: 'boolean', default: false },
  size: { type: 'string' },
  peers: { type: 'string' },
  'peer-node': { type: 'string' },
  minutes: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

interface Parsed {
  readonly values: ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']
  readonly positionals: readonly string[]
}

function parse(): Parsed | { readonly problem: string } {
  try {
    const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
    for (const name of ['rounds', 'size', 'minutes'] as const)
      if (values[name] !== undefined && !(Number.isInteger(Number(values[name])) && Number(values[name]) > 0))
        throw new TypeError(`--${name} wants a whole number above 0, not '${values[name]}'`)
    return { values, positionals }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

async function main(): Promise<number> {
  const parsed = parse()
  if ('problem' in parsed) return usage(parsed.problem)
  const { values, positionals } = parsed
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const load = BENCHES[positionals[0] ?? '']
  if (load === undefined || positionals.length !== 1)
    return usage(`one of ${Object.keys(BENCHES).join(', ')} is wanted`)

  const parent = values.dir ?? tmpdir()
  mkdirSync(parent, { recursive: true })
  const scratch = realpathSync(mkdtempSync(join(parent, 'flagstone-bench-')))
  const remove = (): void => rmSync(scratch, { recursive: true, force: true })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      remove()
      process.exit(130)
    })
  try {
    const bench = await load()
    const report = await bench({
      scratch,
      quick: values.quick || values.tiny,
      tiny: values.tiny,
      rounds: values.rounds === undefined ? undefined : Number(values.rounds),
      size: values.size === undefined ? undefined : Number(values.size),
      source: values.source,
      peers: values.peers,
      peerNode: values['peer-node'],
      minutes: values.minutes === undefined ? undefined : Number(values.minutes),
      cases: values.all ? 'all' : values.case?.split(','),
      say: (message) => process.stderr.write(`${message}\n`),
    })
    const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')
    const machine = describeMachine(scratch)
    process.stdout.write(`${(values.json ? asJson : asText)(report, machine, command)}\n`)
    return 0
  } finally {
    remove()
  }
}

function usage(problem: string): number {
  process.stderr.write(`${problem}\n\n${USAGE}`)
  return 2
}

process.exitCode = await main()
