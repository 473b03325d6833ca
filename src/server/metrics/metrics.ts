// What the server counts, for /metrics. Requests are counted in plain arrays as they come (request-counts.ts); the
// numbers are converted to Prometheus' format only on request.
//
// With several worker processes each takes a snapshot, and metricsText adds them up: counters and histograms are sums,
// of the event loop's lag it is the mean, the least or the most, as each name says.
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import type { Catalog } from '../sources/source.js'
import type { ByteCache } from '../work/byte-cache.js'
import type { WorkQueue } from '../work/work-queue.js'
import { BUCKET_SECONDS, RequestCounts, type RouteCounts } from './request-counts.js'

type Value = MetricValue<string> & { metricName?: string }
type Family = Omit<MetricObjectWithValues<Value>, 'collect'>

/** The numbers of one process at one moment; plain data, so that it can be sent to another. */
export type MetricsSnapshot = readonly Family[]

/** What is measured besides requests. */
interface Measured {
  readonly catalog: Catalog
  readonly cache: ByteCache
  readonly work: WorkQueue
}

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

export class Metrics {
  readonly requests = new RequestCounts()

  constructor() {
    processRegistry()
  }

  async snapshot({ catalog, cache, work }: Measured): Promise<MetricsSnapshot> {
    const one = (value: number): Value[] => [{ value, labels: {} }]
    return [
      ...requestFamilies(this.requests.all()),
      family('gauge', 'flagstone_sources', 'Tile archives served.', one(catalog.list().length), 'max'),
      family(
        'gauge',
        'flagstone_source_problems',
        'Tile archives that could not be opened.',
        one(catalog.problems().length),
        'max',
      ),
      family('gauge', 'flagstone_open_files', 'Tile archives that are open.', one(catalog.openFiles)),
      family(
        'counter',
        'flagstone_catalog_changes_total',
        'Times that archives were added, changed or removed.',
        one(catalog.generation),
        'max',
      ),
      family('gauge', 'flagstone_work_running', 'Jobs being computed.', one(work.running)),
      family('gauge', 'flagstone_work_waiting', 'Jobs waiting for their turn.', one(work.waiting)),
      family(
        'counter',
        'flagstone_work_refused_total',
        'Jobs refused because too many were waiting.',
        one(work.refused),
      ),
      family(
        'counter',
        'flagstone_work_late_total',
        'Jobs stopped because they took too long.',
        one(work.late),
      ),
      family(
        'counter',
        'flagstone_cache_hits_total',
        'Computed responses taken from the cache.',
        one(cache.hits),
      ),
      family(
        'counter',
        'flagstone_cache_misses_total',
        'Responses computed because they were not in the cache.',
        one(cache.misses),
      ),
      family('gauge', 'flagstone_cache_entries', 'Computed responses in the cache.', one(cache.entries)),
      family('gauge', 'flagstone_cache_bytes', 'Bytes of computed responses in the cache.', one(cache.bytes)),
      ...(await processFamilies()),
    ]
  }
}

/** Prometheus' text format, version 0.0.4, of one process or of several together. */
export async function metricsText(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return await AggregatorRegistry.aggregate(snapshots as unknown as object[]).metrics()
}

function family(
  type: 'counter' | 'gauge' | 'histogram',
  name: string,
  help: string,
  values: Value[],
  aggregator: Family['aggregator'] = 'sum',
): Family {
  // prom-client's types want its enum of types; the strings are what it works with
  return { type: type as unknown as Family['type'], name, help, values, aggregator }
}

function requestFamilies(routes: readonly RouteCounts[]): Family[] {
  return [
    family(
      'counter',
      'flagstone_requests_total',
      'Requests answered, by route and status.',
      routes.flatMap(({ route, statuses }) =>
        statuses.map(([status, value]) => ({ value, labels: { route, status } })),
      ),
    ),
    family(
      'counter',
      'flagstone_response_bytes_total',
      'Bytes of responses, without headers.',
      routes.map(({ route, bytes }) => ({ value: bytes, labels: { route } })),
    ),
    family(
      'histogram',
      'flagstone_request_seconds',
      'Time until a response was ready.',
      routes.flatMap(histogramValues),
    ),
  ]
}

/** Buckets are cumulative in Prometheus: each includes those below it. */
function histogramValues({ route, buckets, count, seconds }: RouteCounts): Value[] {
  const name = 'flagstone_request_seconds'
  let sum = 0
  const cumulative = Array.from(buckets, (own, i): Value => {
    sum += own
    return { metricName: `${name}_bucket`, value: sum, labels: { le: BUCKET_SECONDS[i] ?? '+Inf', route } }
  })
  return [
    ...cumulative,
    { metricName: `${name}_sum`, value: seconds, labels: { route } },
    { metricName: `${name}_count`, value: count, labels: { route } },
  ]
}

let ofProcess: Registry | undefined

/** Memory, CPU, open files, event-loop lag. One for all servers of a process: its observers are never taken off. */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}

async function processFamilies(): Promise<Family[]> {
  const families = await processRegistry().getMetricsAsJSON()
  return families.map((one) => {
    // by itself it would be left out when processes are added up
    if (one.name === 'process_start_time_seconds') return { ...one, aggregator: 'min' as const }
    return one.name.startsWith('nodejs_eventloop_lag')
      ? { ...one, values: one.values.filter(isMeasured) }
      : one
  })
}

/** Before the first delay is measured, Node's mean is NaN and its minimum 2^63 ns. */
const isMeasured = ({ value }: Value): boolean => Number.isFinite(value) && value < 9e9
