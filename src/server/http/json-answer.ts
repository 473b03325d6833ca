// Answers of text (JSON, XML, HTML), compressed as the client accepts it, and of bytes that were made. Both know
// conditional requests and HEAD. CORS and Cache-Control are added by the core.
//
// Only text is compressed, and the compressed form of an entity has the same tag, weak (as nginx does): so a tag
// can be compared before anything is made or compressed.
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  type BrotliOptions,
  brotliCompressSync,
  createBrotliCompress,
  createGzip,
  gzipSync,
  constants as zlib,
} from 'node:zlib'
import { chooseEncoding, type Encoding } from './accept.js'
import { notModified } from './conditional.js'
import type { Made } from './made.js'
import type { Query, Reply } from './message.js'

/** Text shorter than a packet is sent as it is. */
const COMPRESS_FROM_BYTES = 1024
/** Longer text is compressed in the thread pool, as it is sent. */
const STREAM_FROM_BYTES = 128 * 1024
const BROTLI: BrotliOptions = { params: { [zlib.BROTLI_PARAM_QUALITY]: 4 } }

export interface TextAnswerOptions {
  /** 200 when absent. Others have neither an entity tag nor a 304. */
  readonly status?: number | undefined
  /** More headers, names and values in turn. */
  readonly headers?: readonly string[] | undefined
  /** Quoted; made of the text when absent. */
  readonly etag?: string | undefined
  readonly contentType?: string | undefined
}

/** `value` as JSON, on one line. */
export function jsonAnswer(query: Query, value: unknown, options: TextAnswerOptions = {}): Reply {
  return textAnswer(query, `${JSON.stringify(value)}\n`, { contentType: 'application/json', ...options })
}

/** A text as it is: XML, HTML, or JSON that is text already. contentType: 'text/plain; charset=utf-8' when absent. */
export function textAnswer(
  query: Query,
  text: string | Uint8Array,
  { status = 200, headers = [], etag, contentType = 'text/plain; charset=utf-8' }: TextAnswerOptions = {},
): Reply {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const mayCompress = bytes.length >= COMPRESS_FROM_BYTES
  const encoding = mayCompress ? chooseEncoding(query.header('accept-encoding')) : 'identity'
  const all = mayCompress ? ['Vary', 'Accept-Encoding', ...headers] : [...headers]
  if (status === 200) {
    const strong = etag ?? `"${createHash('sha1').update(bytes).digest('base64url')}"`
    const tag = encoding === 'identity' || strong.startsWith('W/') ? strong : `W/${strong}`
    const same = notModified(query, tag, all)
    if (same !== undefined) return same
    all.push('ETag', tag)
  }
  all.push('Content-Type', contentType)
  if (encoding === 'identity') return { status, headers: withLength(all, bytes), body: bodyOf(query, bytes) }
  all.push('Content-Encoding', encoding)
  // how long it gets is not known before, and not worth finding out for a HEAD
  if (query.method === 'HEAD') return { status, headers: all, body: undefined }
  if (bytes.length >= STREAM_FROM_BYTES) return { status, headers: all, body: compressing(bytes, encoding) }
  const packed = encoding === 'br' ? brotliCompressSync(bytes, BROTLI) : gzipSync(bytes)
  return { status, headers: withLength(all, packed), body: packed }
}

/** Bytes that were made or kept, as they are. */
export function bytesAnswer(query: Query, made: Made, headers: readonly string[] = []): Reply {
  const same = notModified(query, made.etag, headers)
  if (same !== undefined) return same
  const all = ['Content-Type', made.contentType, 'ETag', made.etag, ...headers]
  return { status: 200, headers: withLength(all, made.bytes), body: bodyOf(query, made.bytes) }
}

const withLength = (headers: readonly string[], bytes: Uint8Array): string[] => [
  ...headers,
  'Content-Length',
  String(bytes.length),
]

const bodyOf = ({ method }: Query, bytes: Uint8Array): Uint8Array | undefined =>
  method === 'HEAD' ? undefined : bytes

function compressing(bytes: Uint8Array, encoding: Encoding): AsyncIterable<Uint8Array> {
  const packer = encoding === 'br' ? createBrotliCompress(BROTLI) : createGzip()
  return Readable.from([bytes], { objectMode: true }).pipe(packer)
}
