// Writes a Reply to Node's response: as fast as the client reads, until it disconnects, and never shorter than announced.
import type { ServerResponse } from 'node:http'
import { reclaim } from '../../store/read/slab.js'
import type { Reply } from './message.js'

/**
 * Bytes and empty bodies are written at once; a stream is pulled.
 * @throws as the stream: then nothing has been written yet (`response.headersSent` is false), or the connection is cut,
 * for a client must not take a part for the whole
 */
export function writeReply(
  method: string,
  reply: Reply,
  response: ServerResponse,
): Promise<void> | undefined {
  const { status, headers, body } = reply
  if (response.destroyed) return leave(body)
  if (body === undefined || body instanceof Uint8Array || method === 'HEAD') {
    response.writeHead(status, headers as string[])
    if (body === undefined || method === 'HEAD') response.end()
    else {
      response.end(body)
      if (reply.isSpare === true && isWritten(response)) reclaim(body as Uint8Array)
    }
    return body === undefined || body instanceof Uint8Array ? undefined : leave(body)
  }
  return stream(status, headers, body, response)
}

/** The system has taken all of it: the usual case, as node tries to write at once. */
const isWritten = (response: ServerResponse): boolean =>
  response.socket !== null && response.writableLength === 0

async function stream(
  status: number,
  headers: readonly string[],
  body: AsyncIterable<Uint8Array>,
  response: ServerResponse,
): Promise<void> {
  const chunks = body[Symbol.asyncIterator]()
  const said = headers.indexOf('Content-Length')
  let left = said < 0 ? Number.POSITIVE_INFINITY : Number(headers[said + 1])
  // at once, not when the chunk that is being made is ready: that may take long
  const gone = (): void => void chunks.return?.()?.then(undefined, () => {})
  response.once('close', gone)
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      if (response.destroyed) return
      if (!response.headersSent) response.writeHead(status, headers as string[])
      left -= next.value.length
      if (left < 0) throw new Error('a body is longer than its Content-Length')
      if (!response.write(next.value)) await drained(response)
    }
    if (response.destroyed) return
    if (left > 0 && said >= 0) throw new Error('a body is shorter than its Content-Length')
    if (!response.headersSent) response.writeHead(status, headers as string[])
    response.end()
  } catch (error) {
    if (response.headersSent) response.destroy()
    throw error
  } finally {
    response.off('close', gone)
    gone()
  }
}

/** Resolves when there is room for more, or the client has disconnected. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go).off('close', go)
      resolve()
    }
    if (response.destroyed) resolve()
    else response.on('drain', go).on('close', go)
  })
}

/** Ends a stream that nobody reads. */
async function leave(body: Reply['body']): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) return
  await body[Symbol.asyncIterator]().return?.()
}
