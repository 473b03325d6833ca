// What happens, as lines of JSON (pino): failures of ours always, requests when asked for.
import { pino } from 'pino'
import { FlagstoneError } from '../../errors.js'
import type { ServerHooks } from '../context.js'
import type { ServerRequest } from '../http/message.js'
import { clientAddress } from '../http/public-url.js'
import { boundedSink, type LogSink } from './bounded-sink.js'
import type { LogLevel } from './listen-options.js'
import { Repeats } from './repeats.js'

const SAID = {
  added: 'source added',
  changed: 'source changed',
  removed: 'source removed',
  problem: 'source has a problem',
} as const

/**
 * Hooks for openTileServer.
 * @param level of requests: 'info' all (and what happens to files), 'warn' those answered 4xx and 5xx, 'error' 5xx;
 *   undefined: none, only what goes wrong with files
 */
export function requestLog(
  sink: LogSink,
  level: LogLevel | undefined,
  options: { readonly trustProxy: boolean },
): ServerHooks {
  const base = { pid: process.pid }
  const bounded = boundedSink(sink, (lines) => {
    const about = { level: 'warn', time: new Date().toISOString(), ...base, lines }
    return `${JSON.stringify({ ...about, msg: 'lines were left out: the log was not read' })}\n`
  })
  const log = pino(
    {
      level: level ?? 'warn',
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: shown },
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void bounded.write(line) },
  )
  const asked = (query: ServerRequest): object => ({
    method: query.method,
    url: query.target,
    remote: clientAddress(query, options),
  })
  const repeats = new Repeats()
  const onError: ServerHooks['onError'] = (error, query) => {
    const leftOut = repeats.count(nameOf(error))
    if (leftOut === undefined) return
    const more = leftOut === 0 ? {} : { leftOut }
    log.error({ ...asked(query), err: error, ...more }, 'failed')
  }
  const onSource: ServerHooks['onSource'] = ({ kind, id, path, message }) => {
    log[kind === 'problem' ? 'warn' : 'info']({ source: id, path, problem: message }, SAID[kind])
  }
  if (level === undefined) return { onError, onSource }
  return {
    onError,
    onSource,
    onAnswer(query, { route, status, bytes, seconds }) {
      const of = status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
      if (!log.isLevelEnabled(of)) return
      log[of]({ ...asked(query), route, status, bytes, ms: Math.round(seconds * 1e6) / 1e3 }, 'answered')
    },
  }
}

/** Of one file, what is wrong with it is one failure, whichever tile was asked for. */
function nameOf(error: unknown): string {
  if (error instanceof FlagstoneError) return `${error.code} ${error.path ?? error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** What is wrong with a file is a sentence; a stack is for defects. Causes apart: often they say the same again. */
function shown(error: Error): object {
  if (!(error instanceof FlagstoneError)) return pino.stdSerializers.errWithCause(error)
  const { name: type, code, message } = error
  return { type, code, message }
}
