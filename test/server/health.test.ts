import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { insideOf } from '../../src/server/handler.js'
import { HttpError } from '../../src/server/http/message.js'
import { metricsText } from '../../src/server/metrics/metrics.js'
import { version } from '../../src/version.js'
import { type Family, parsePrometheus } from './prometheus-text.js'
import { pictureFile, serve } from './served.js'

const dir = t.testdir()
const at = (name: string): string => join(dir, name)
await pictureFile(at('a.pmtiles'))

function numberOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
  return family?.samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value
}

t.test('the parser of these tests is strict', async (t) => {
  t.same(parsePrometheus('a{b="c\\n\\"\\\\",} 1e3 123\n').get('a')?.samples, [
    { name: 'a', labels: { b: 'c\n"\\' }, value: 1000 },
  ])
  for (const wrong of [
    'a 1',
    'a{b="c} 1\n',
    'a{b=c} 1\n',
    'a{b="\\x"} 1\n',
    '1a 1\n',
    'a one\n',
    'a 0x10\n',
    'a 1\na 1\n',
    'a 1\nb 1\na{c="d"} 1\n',
    'a 1\n# TYPE a counter\n',
    '# TYPE a counter\na -1\n',
    '# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
  ]) {
    t.throws(() => parsePrometheus(wrong), wrong)
  }
})

t.test('metrics: what was asked, how long it took, what is kept and open', async (t) => {
  const { get } = await serve(t, [at('a.pmtiles')])
  const tile = (await (await get('/a/4/8/4.png')).arrayBuffer()).byteLength
  for (let i = 0; i < 3; i++) await get('/a/4/8/4.png')
  await get('/a/4/0/0.png')
  await get('/a.json')
  await get('/nowhere/at/all')
  await get('/a/4/8/4@2x.png')
  await get('/a/4/8/4@2x.png')
  const answer = await get('/metrics')
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), 'text/plain; version=0.0.4')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  const families = parsePrometheus(await answer.text())
  const requests = (route: string, status: string): number | undefined =>
    numberOf(families, 'flagstone_requests_total', { route, status })
  t.equal(requests('tile', '200'), 6)
  t.equal(requests('tile', '204'), 1)
  t.equal(requests('tilejson', '200'), 1)
  t.equal(requests('none', '404'), 1)
  t.equal(numberOf(families, 'flagstone_request_seconds_count', { route: 'tile' }), 7)
  t.ok(numberOf(families, 'flagstone_request_seconds_sum', { route: 'tile' })! > 0)
  t.ok(numberOf(families, 'flagstone_response_bytes_total', { route: 'tile' })! > 4 * tile)
  t.equal(numberOf(families, 'flagstone_cache_misses_total'), 1)
  t.equal(numberOf(families, 'flagstone_cache_hits_total'), 1)
  t.equal(numberOf(families, 'flagstone_cache_entries'), 1)
  t.ok(numberOf(families, 'flagstone_cache_bytes')! > 1000)
  t.equal(numberOf(families, 'flagstone_sources'), 1)
  t.equal(numberOf(families, 'flagstone_open_files'), 1)
  for (const name of ['running', 'waiting', 'refused_total', 'late_total']) {
    t.equal(numberOf(families, `flagstone_work_${name}`), 0, name)
  }
  for (const name of [
    'nodejs_eventloop_lag_seconds',
    'nodejs_eventloop_lag_p99_seconds',
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'process_start_time_seconds',
  ]) {
    t.ok(numberOf(families, name)! >= 0, name)
  }
  for (const [name, { help, type }] of families) t.ok(help && type !== 'untyped', name)
})

t.test('metrics of several processes are added up', async (t) => {
  const { get, server } = await serve(t, [at('a.pmtiles')])
  await get('/a/4/8/4.png')
  // right after another nothing of the event loop was measured yet
  await insideOf(server).context.metrics.snapshot(insideOf(server).context)
  const own = await insideOf(server).context.metrics.snapshot(insideOf(server).context)
  const lags = own.filter(({ name }) => name.startsWith('nodejs_eventloop_lag'))
  for (const { name, values } of lags) for (const { value } of values) t.ok(value < 1000, `${name} ${value}`)
  // as they come from another process
  const other = JSON.parse(JSON.stringify(own)) as typeof own
  const families = parsePrometheus(await metricsText([own, other]))
  t.equal(numberOf(families, 'flagstone_requests_total', { route: 'tile', status: '200' }), 2)
  t.equal(numberOf(families, 'flagstone_request_seconds_bucket', { route: 'tile', le: '+Inf' }), 2)
  t.equal(numberOf(families, 'flagstone_sources'), 1, 'the same files')
  const start = own.find(({ name }) => name === 'process_start_time_seconds')!.values[0]!.value
  t.equal(numberOf(families, 'process_start_time_seconds'), start)

  const { get: together } = await serve(t, [at('a.pmtiles')], { otherMetrics: async () => [other, other] })
  const all = parsePrometheus(await (await together('/metrics')).text())
  t.equal(numberOf(all, 'flagstone_requests_total', { route: 'tile', status: '200' }), 2)
})

t.test('refused and late jobs are counted', async (t) => {
  const { server } = await serve(t, [at('a.pmtiles')], { limits: { jobs: 1, waiting: 0, jobMs: 20 } })
  const { work } = insideOf(server).context
  const { signal } = new AbortController()
  let end = (): void => {}
  const long = work.run(signal, () => new Promise<void>((resolve) => (end = resolve)))
  await t.rejects(
    work.run(signal, async () => {}),
    HttpError,
  )
  await t.rejects(long, HttpError)
  end()
  const snapshot = await insideOf(server).context.metrics.snapshot(insideOf(server).context)
  const families = parsePrometheus(await metricsText([snapshot]))
  t.equal(numberOf(families, 'flagstone_work_refused_total'), 1)
  t.equal(numberOf(families, 'flagstone_work_late_total'), 1)
})

t.test('health: ok, degraded by files that do not open, closing', async (t) => {
  const health = async (
    get: (path: string) => Promise<Response>,
  ): Promise<[number, Record<string, unknown>]> => {
    const answer = await get('/health')
    return [answer.status, (await answer.json()) as Record<string, unknown>]
  }
  const { get, server } = await serve(t, [at('a.pmtiles')])
  const [status, body] = await health(get)
  t.equal(status, 200)
  t.match(body, { status: 'ok', version, sources: 1, problems: 0 })
  t.notOk('degraded' in body)
  t.ok((body['uptime'] as number) >= 0)
  insideOf(server).context.life.isClosing = true
  const [closing, last] = await health(get)
  t.equal(closing, 503)
  t.equal(last['status'], 'closing')

  const folder = t.testdir()
  await pictureFile(join(folder, 'good.pmtiles'))
  writeFileSync(join(folder, 'bad.pmtiles'), 'PMTiles\u0003 but not really')
  const { get: other } = await serve(t, [folder])
  const [degraded, why] = await health(other)
  t.equal(degraded, 200)
  t.match(why, { status: 'degraded', sources: 1, problems: 1, degraded: [/^bad\.pmtiles\b.+\.$/] })
  t.notMatch(JSON.stringify(why), folder, 'no paths')
})
