// What the server counts, for /metrics.
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { RequestCounts } from './request-counts.js'

export class Metrics {
  readonly registry = new Registry()
  /** Of the core: turned into metrics when they are asked for. */
  readonly requests = new RequestCounts()
  readonly #requests = new Counter({
    name: 'flagstone_requests_total',
    help: 'Requests answered, by what was asked for and status.',
    labelNames: ['route', 'status'],
    registers: [this.registry],
  })
  readonly #bytes = new Counter({
    name: 'flagstone_response_bytes_total',
    help: 'Bytes of answers, without headers.',
    labelNames: ['route'],
    registers: [this.registry],
  })
  readonly #seconds = new Histogram({
    name: 'flagstone_request_seconds',
    help: 'Time until an answer was ready.',
    labelNames: ['route'],
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  count(route: string, status: number, bytes: number, seconds: number): void {
    this.#requests.inc({ route, status })
    this.#bytes.inc({ route }, bytes)
    this.#seconds.observe({ route }, seconds)
  }
}
