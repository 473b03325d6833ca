// A request's body, not more of it than allowed. Who mounts us may have read it before (express.json() and the like put
// what they made of it into `body`): then it is what they made, written again.
import type { IncomingMessage } from 'node:http'
import { HttpError } from './message.js'

/** What is still taken, and thrown away, of a body that is too large: so that the client gets to read why. */
const POLITE_BYTES = 4 * 1024 * 1024

/**
 * The whole body. The socket is not touched: an answer can be written either way, and says 'Connection: close'
 * where the rest of the body is still to come.
 * @throws HttpError 413 when it is longer than `limitBytes`
 * @throws HttpError 400 when it is cut off
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const { body } = request as { body?: unknown }
    if (request.readableEnded && body !== undefined) {
      const bytes = bytesOf(body)
      if (bytes.length > limitBytes) reject(tooLarge(request, limitBytes))
      else resolve(bytes)
      return
    }
    const chunks: Buffer[] = []
    let length = 0
    const done = (act: () => void): void => {
      request.off('data', take).off('end', end).off('close', cut).off('error', cut)
      act()
    }
    const take = (chunk: Buffer): void => {
      length += chunk.length
      if (length <= limitBytes) chunks.push(chunk)
      else if (length > limitBytes + POLITE_BYTES) done(() => reject(tooLarge(request, limitBytes)))
    }
    const end = (): void =>
      done(() =>
        length > limitBytes ? reject(tooLarge(request, limitBytes)) : resolve(Buffer.concat(chunks)),
      )
    const cut = (): void => done(() => reject(new HttpError(400, 'The request body was cut off.')))
    if (request.destroyed) {
      cut()
      return
    }
    const announced = Number(request.headers['content-length'])
    if (announced > limitBytes + POLITE_BYTES) reject(tooLarge(request, limitBytes))
    else request.on('data', take).on('end', end).on('close', cut).on('error', cut)
  })
}

const bytesOf = (body: unknown): Uint8Array =>
  body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))

const tooLarge = ({ complete }: IncomingMessage, limitBytes: number): HttpError =>
  new HttpError(
    413,
    `The request body is over the limit of ${limitBytes} bytes.`,
    complete ? [] : ['Connection', 'close'],
  )
