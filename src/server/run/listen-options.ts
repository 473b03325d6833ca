// How a server listens, and how long it waits for clients, checked once at the rim.
import { z } from 'zod'
import type { Given } from '../../store/options.js'

/** What is logged of requests: failures of ours, those of clients too, all. */
export const LOG_LEVELS = ['error', 'warn', 'info'] as const
const logLevel = z.enum(LOG_LEVELS)
export type LogLevel = z.output<typeof logLevel>

const milliseconds = (value: number) => z.int().min(1).default(value)

const listenShape = {
  /** A name or address of this machine; '0.0.0.0' or '::' for all of them. */
  host: z.string().min(1, 'it is empty').default('127.0.0.1'),
  /** 0: any free one. */
  port: z.int().min(0).max(65_535).default(8080),
  /** Files in PEM. */
  tls: z
    .strictObject({ cert: z.string().min(1, 'it is empty'), key: z.string().min(1, 'it is empty') })
    .optional(),
  /** Connections at once; more are closed as they come. Fewer where the process may not open that many files. */
  connections: z.int().min(1).default(10_000),
  /** Of a request's start line and headers together. */
  headerBytes: z.int().min(1024).max(1_048_576).default(16_384),
  /** Headers of one request. */
  headers: z.int().min(8).max(2000).default(100),
  /** From a connection's, or request's, first byte to the end of its headers. */
  headersMs: milliseconds(10_000),
  /** … to the end of its body. */
  requestMs: milliseconds(30_000),
  /** Between two requests on one connection: longer than what proxies keep theirs (60 s). */
  keepAliveMs: milliseconds(65_000),
  /** Without a byte sent or taken while an answer is under way; jobs that compute get their own time on top. */
  stallMs: milliseconds(30_000),
  /** For what is under way when the server is told to stop. */
  shutdownMs: milliseconds(10_000),
}

export const listenOptions = z.strictObject(listenShape)
/** Where a server listens, and what it lets clients hold. Times are milliseconds. */
export interface ListenOptions extends Given<typeof listenShape> {}
export type ResolvedListenOptions = z.output<typeof listenOptions>
