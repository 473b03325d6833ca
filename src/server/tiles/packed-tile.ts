// Vector tiles are stored compressed. Clients that accept the encoding get them unchanged, with Content-Encoding; others
// get them decompressed, which is work.

import { promisify } from 'node:util'
import { brotliDecompress, gunzip } from 'node:zlib'
import { FlagstoneError } from '../../errors.js'
import { isGzip } from '../../format/gzip.js'
import { unpackProblem } from '../../format/unpack-problem.js'
import type { ServerContext } from '../context.js'
import { qualities } from '../http/accept.js'
import { pushVary } from '../http/headers.js'
import type { Answer, Query, Reply } from '../http/message.js'

/** More than any map draws; a tile that unpacks to more is an attack. */
const MAX_BYTES = 64 * 1024 * 1024
const UNPACK = { gzip: promisify(gunzip), br: promisify(brotliDecompress) } as const

/** `reply` holds a tile (or says of it) that is stored in `encoding`, and says nothing of that yet. */
export function packedAnswer(context: ServerContext, query: Query, encoding: string, reply: Reply): Answer {
  const headers = [...reply.headers]
  pushVary(headers, 'Accept-Encoding')
  const { status, body } = reply
  if (status !== 200) return { status, headers, body }
  // gzip is what can be told from what is not packed after all
  if (body instanceof Uint8Array && encoding === 'gzip' && !isGzip(body)) {
    return { status, headers, body }
  }
  if (takes(query, encoding) || !(encoding in UNPACK)) {
    headers.push('Content-Encoding', encoding)
    return { status, headers, body }
  }
  const at = headers.indexOf('Content-Length')
  headers.splice(at, 2)
  // other bytes than those that the strong tag stands for
  const tag = headers.indexOf('ETag') + 1
  if (tag > 0 && !headers[tag]!.startsWith('W/')) headers[tag] = `W/${headers[tag]}`
  if (!(body instanceof Uint8Array)) return { status, headers, body }
  return unpacked(context, query, encoding as keyof typeof UNPACK, body).then((bytes) => {
    headers.push('Content-Length', String(bytes.length))
    return { status, headers, body: bytes }
  })
}

function unpacked(
  { work }: ServerContext,
  query: Query,
  encoding: keyof typeof UNPACK,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  return work.run(query.signal, async () => {
    try {
      return await UNPACK[encoding](bytes, { maxOutputLength: MAX_BYTES })
    } catch (cause) {
      throw new FlagstoneError(
        'DAMAGED',
        `A tile cannot be decompressed: ${unpackProblem(cause, MAX_BYTES)}.`,
        {
          cause,
        },
      )
    }
  })
}

/** The last header, because one map sends the same header again and again. */
let last: { header: string; encoding: string; takes: boolean } | undefined

function takes(query: Query, encoding: string): boolean {
  const header = query.header('accept-encoding')
  if (header === undefined) return false
  if (last?.header !== header || last.encoding !== encoding) {
    const accepted = qualities(header)
    const alias = encoding === 'gzip' ? accepted.get('x-gzip') : undefined
    const quality = accepted.get(encoding) ?? alias ?? accepted.get('*') ?? 0
    last = { header, encoding, takes: quality > 0 }
  }
  return last.takes
}
