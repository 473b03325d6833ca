// What happens, as lines of JSON (pino): failures of ours always, requests when asked for.
import { pino } from 'pino'
import type { ServerHooks } from '../context.js'
import type { ServerRequest } from '../http/message.js'
import { clientAddress } from '../http/public-url.js'
import type { LogLevel } from './listen-options.js'

export interface LogSink {
  write(line: string): unknown
}

const SAID = {
  added: 'source added',
  changed: 'source changed',
  removed: 'source removed',
  problem: 'source has a problem',
} as const

/**
 * Hooks for openTileServer.
 * @param level of requests: 'info' all (and what happens to files), 'warn' those answered 4xx and 5xx, 'error' 5xx; undefined: none
 */
export function requestLog(
  sink: LogSink,
  level: LogLevel | undefined,
  options: { readonly trustProxy: boolean },
): ServerHooks {
  const log = pino(
    {
      level: level ?? 'error',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      // causes apart: often they say the same again
      serializers: { err: pino.stdSerializers.errWithCause },
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void sink.write(line) },
  )
  const asked = (query: ServerRequest): object => ({
    method: query.method,
    url: query.target,
    remote: clientAddress(query, options),
  })
  const onError: ServerHooks['onError'] = (err, query) => log.error({ ...asked(query), err }, 'failed')
  if (level === undefined) return { onError }
  return {
    onError,
    onSource({ kind, id, path, message }) {
      log[kind === 'problem' ? 'warn' : 'info']({ source: id, path, problem: message }, SAID[kind])
    },
    onAnswer(query, { route, status, bytes, seconds }) {
      const of = status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
      if (!log.isLevelEnabled(of)) return
      log[of]({ ...asked(query), route, status, bytes, ms: Math.round(seconds * 1e6) / 1e3 }, 'answered')
    },
  }
}
