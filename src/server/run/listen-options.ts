// How a server listens, and how long it waits for clients, checked once at the rim.
import { z } from 'zod'
import type { Given } from '../../store/options.js'

/** What is logged of requests: failures of ours, those of clients too, all. */
export const LOG_LEVELS = ['error', 'warn', 'info'] as const
const logLevel = z.enum(LOG_LEVELS)
export type LogLevel = z.output<typeof logLevel>

const milliseconds = (value: number) => z.int().min(1).default(value)

const listenShape = {
  /** A name or address of this machine; '0.0.0.0' or '::' for all of them. Default: '127.0.0.1'. */
  host: z.string().min(1, 'it is empty').default('127.0.0.1'),
  /** 0: any free one. Default: 8080. */
  port: z.int().min(0).max(65_535).default(8080),
  /** Paths of the certificate and its key, PEM. Default: HTTP without TLS. */
  tls: z
    .strictObject({ cert: z.string().min(1, 'it is empty'), key: z.string().min(1, 'it is empty') })
    .optional(),
  /**
   * Connections at once; more are closed as they come. Fewer where the process may not open that many files.
   * Default: 10,000.
   */
  connections: z.int().min(1).default(10_000),
  /** Most bytes of a request's start line and headers together. Default: 16,384. */
  headerBytes: z.int().min(1024).max(1_048_576).default(16_384),
  /** Most headers of one request. Default: 100. */
  headers: z.int().min(8).max(2000).default(100),
  /** Milliseconds from a connection's, or request's, first byte to the end of its headers. Default: 10,000. */
  headersMs: milliseconds(10_000),
  /** Milliseconds from there to the end of its body. Default: 30,000. */
  requestMs: milliseconds(30_000),
  /**
   * Milliseconds between two requests on one connection: longer than what proxies keep theirs (60 s).
   * Default: 65,000.
   */
  keepAliveMs: milliseconds(65_000),
  /**
   * Milliseconds without a byte sent or taken while an answer is under way; jobs that compute get their own time on top.
   * Default: 30,000.
   */
  stallMs: milliseconds(30_000),
  /** Milliseconds for what is under way when the server is told to stop. Default: 10,000. */
  shutdownMs: milliseconds(10_000),
}

export const listenOptions = z.strictObject(listenShape)
/** Where a server listens, and what it lets clients hold. Times are milliseconds. */
export interface ListenOptions extends Given<typeof listenShape> {}
export type ResolvedListenOptions = z.output<typeof listenOptions>
