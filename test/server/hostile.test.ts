// A folder of hostile archives behind `flagstone serve`, a process of its own: it lives, says of each what is wrong in
// one line, sends the others meanwhile, and does not grow.
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Child, startChild } from '../helpers/processes.js'
import { until } from '../helpers/waiting.js'
import { flipped, type Made, makeHostile } from './hostile-archives.js'

// every wait in it has an end of its own, and says what it waited for
t.setTimeout(1_800_000)

const ROUNDS = 10
/** Far above what a few tiles of the largest size take, far below what is attacked with. */
const GROWTH_KB = 700 * 1024
const SEED = Number(process.env['FLAGSTONE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

interface Server {
  readonly child: Child
  readonly url: string
  readonly sources: readonly string[]
}

async function start(t: Test, folder: string, options: readonly string[]): Promise<Server> {
  const bin = new URL('../../src/cli/bin.js', import.meta.url)
  const child = startChild(bin, ['serve', folder, '-p', 0, '--json', ...options])
  t.teardown(() => child.kill())
  return { child, ...JSON.parse(await child.line('{')) }
}

const status = async (url: string): Promise<number> => {
  const answer = await fetch(url)
  await answer.arrayBuffer()
  return answer.status
}

/** Of the server's own process and of its workers. */
function memoryKb({ child }: Server): number {
  const { pid } = child.process
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return [String(pid), ...pids]
    .map((pid) => Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0))
    .reduce((a, b) => a + b)
}

/** Asks for good tiles as long as something else goes on. */
async function besides(t: Test, { url }: Server, work: () => Promise<void>): Promise<void> {
  let isOver = false
  const seen = new Map<number, number>()
  const asking = (async () => {
    while (!isOver) {
      for (const path of ['good/1/0/0', 'fine/1/1/1']) {
        const code = await status(url + path)
        seen.set(code, (seen.get(code) ?? 0) + 1)
      }
    }
  })()
  try {
    await work()
  } finally {
    isOver = true
    await asking
  }
  t.same([...seen.keys()], [200], 'the others are answered')
}

async function attack(
  t: Test,
  server: Server,
  made: readonly Made[],
  others: readonly string[],
): Promise<void> {
  for (const { id, is } of made) {
    const name = encodeURIComponent(id)
    const asked = ['/1/0/0', '/1/1/0', '.json'].map((path) => status(`${server.url}${name}${path}`))
    const answers = await Promise.all(asked)
    if ('skipped' in is) t.same(answers, [404, 404, 404], `${id} is not served`)
    else if ('isSlow' in is) {
      t.equal(answers[2], 500, `${id} is given up`)
      t.ok([200, 500].includes(answers[0]!) && [200, 500].includes(answers[1]!), `tiles of ${id}: ${answers}`)
    } else t.same(answers, [is.tile, is.other, is.json], id)
  }
  for (const id of others) await status(`${server.url}${id}/1/0/0`)
  for (const path of ['index.json', 'catalog', 'health', 'WMTSCapabilities.xml']) {
    t.equal(await status(server.url + path), 200, path)
  }
}

for (const options of [[], ['--watch'], ['--workers', '2', '--watch']]) {
  t.test(`a folder of hostile archives, ${options.join(' ') || 'one process'}`, async (t) => {
    t.comment(`FLAGSTONE_SEED=${SEED}`)
    const folder = t.testdir()
    const made = makeHostile(folder)
    const others = flipped(folder, join(folder, 'good.mbtiles'), 20, SEED)
    const server = await start(t, folder, options)
    const { child } = server
    for (const { path, is } of made) {
      if (!('skipped' in is)) continue
      const said = child.stderr.split('\n').filter((line) => is.skipped.test(line))
      t.equal(said.length, 1, `one line says of ${JSON.stringify(path)} why it is not served: ${said}`)
    }
    await besides(t, server, () => attack(t, server, made, others))
    const before = memoryKb(server)
    await besides(t, server, async () => {
      for (let n = 0; n < ROUNDS; n++) {
        await Promise.all(
          ['large/1/1/0', 'claim/1/1/0', 'sparse/1/1/0', 'many.json'].map((path) =>
            status(server.url + path),
          ),
        )
      }
    })
    const grown = memoryKb(server) - before
    t.ok(grown < GROWTH_KB, `it grew by ${grown} KB`)
    const workers = options.includes('2') ? 2 : 1
    for (const id of ['large', 'claim', 'sparse', 'ours', 'cross']) {
      const lines = child.stderr
        .split('\n')
        .filter((line) => line.includes('"failed"') && line.includes(`/${id}.`))
      t.ok(lines.length >= 1 && lines.length <= workers, `${id} is logged once a process: ${lines}`)
      t.notMatch(lines.join(), /stack/, 'as a sentence')
    }
    child.kill('SIGTERM')
    t.same(await child.end(), { code: 0, signal: null })
    t.end()
  })
}

t.test('files that are replaced and cut off while they are watched', async (t) => {
  const folder = t.testdir()
  makeHostile(folder)
  const server = await start(t, folder, ['--watch'])
  const { child } = server
  const victim = join(folder, 'latin.mbtiles')
  const said = (what: RegExp): Promise<unknown> =>
    until(
      () => `${what} in ${child.stderr}`,
      () => child.stderr.split('\n').find((line) => what.test(line)),
    )
  await besides(t, server, async () => {
    truncateSync(victim, 5000)
    await until(
      'a file that is cut off is refused',
      async () => (await status(`${server.url}latin/1/0/0`)) === 500,
    )
    await said(/latin\.mbtiles has 5000 bytes of/)
    rmSync(victim)
    copyFileSync(join(folder, 'endless.mbtiles'), victim)
    await said(/latin\.mbtiles.*recursive.*"source has a problem"/)
    rmSync(victim)
    copyFileSync(join(folder, 'good.mbtiles'), victim)
    await until(
      'a whole file is served again',
      async () => (await status(`${server.url}latin/1/0/0`)) === 200,
    )
    writeFileSync(
      join(folder, 'late.mbtiles'),
      Buffer.concat([readFileSync(victim).subarray(0, 100), Buffer.alloc(40_000, 7)]),
    )
    await said(/late\.mbtiles.*"source has a problem"/)
  })
  child.kill('SIGTERM')
  t.same(await child.end(), { code: 0, signal: null })
})
