// /health for balancers and /metrics for Prometheus.
import { version } from '../../version.js'
import type { Routed, ServerContext } from '../context.js'
import { jsonAnswer, textAnswer } from '../http/json-answer.js'
import type { Reply } from '../http/message.js'
import { METRICS_CONTENT_TYPE, metricsText } from '../metrics/metrics.js'
import { problemsOf } from './source-facts.js'

const NOT_KEPT = ['Cache-Control', 'no-store']

/** Most sentences in one response, because load balancers ask every second. */
const MOST_NAMED = 20

/**
 * 200 while requests are answered, with status 'ok', or 'degraded' when some files cannot be opened (the others are
 * still served); 503 and 'closing' once the server is being stopped.
 */
export function answerHealth({ catalog, life }: ServerContext, { query }: Routed): Reply {
  const problems = problemsOf(catalog)
  const state = {
    status: life.isClosing ? 'closing' : problems.length > 0 ? 'degraded' : 'ok',
    version,
    uptime: Math.round(life.seconds * 1000) / 1000,
    sources: catalog.list().length,
    problems: problems.length,
    // and what is wrong; absent when nothing is
    degraded: problems.length > 0 ? problems.slice(0, MOST_NAMED) : undefined,
  }
  return jsonAnswer(query, state, { status: life.isClosing ? 503 : 200, headers: NOT_KEPT })
}

export async function answerMetrics(context: ServerContext, { query }: Routed): Promise<Reply> {
  const others = (await context.hooks.otherMetrics?.()) ?? []
  const text = await metricsText([await context.metrics.snapshot(context), ...others])
  return textAnswer(query, text, { contentType: METRICS_CONTENT_TYPE, headers: NOT_KEPT })
}
