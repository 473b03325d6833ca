// Whatever went wrong, as an answer: a status and one sentence of JSON. A client's mistake is explained to
// the client. The server's own errors go to the log, and the client learns no path, no stack and no internals.
import { FlagstoneError } from '../../errors.js'
import { HttpError, type Reply } from './message.js'

/** The client disconnected before there was a response; only logs and metrics see this status (nginx's number). */
const CLIENT_GONE = 499

/** What a file that was served can become when it is written over. */
const UNREADABLE = ['DAMAGED', 'NOT_A_TILE_FILE', 'VERSION_UNSUPPORTED']

export interface Failure {
  readonly reply: Reply
  /** Whether the operator should look into it. */
  readonly isOurs: boolean
}

export function failureOf(error: unknown): Failure {
  if (error instanceof HttpError) return theirs(error.status, error.message, error.headers)
  if (error instanceof FlagstoneError) {
    // a damaged tile in a file: the operator should know
    if (error.code === 'TOO_LARGE' && error.path !== undefined)
      return { reply: sentence(413, 'This tile is larger than the server sends.'), isOurs: true }
    if (error.code === 'TOO_LARGE')
      return theirs(400, 'This request needs more than the server allows; ask for less.')
    if (error.code === 'LOCKED') {
      return theirs(503, 'The file is being changed; try again in a moment.', ['Retry-After', '1'])
    }
    if (UNREADABLE.includes(error.code)) return ours('The stored data is damaged, so it is not sent.')
  }
  if (error instanceof RangeError && !isOfEngine(error)) return theirs(400, error.message)
  if (error instanceof Error && error.name === 'AbortError')
    return theirs(CLIENT_GONE, 'The client closed the connection.')
  return ours('Internal server error; see the log of the server.')
}

/** Readers throw RangeErrors for what is outside the grid; the engine does when memory or stack are at their end. */
const isOfEngine = (error: RangeError): boolean =>
  'code' in error || /^(Invalid|Maximum|Array buffer|offset|Offset|start offset)/.test(error.message)

const theirs = (status: number, message: string, headers?: readonly string[]): Failure => ({
  reply: sentence(status, message, headers),
  isOurs: false,
})

const ours = (message: string): Failure => ({ reply: sentence(500, message), isOurs: true })

function sentence(status: number, message: string, headers: readonly string[] = []): Reply {
  const body = Buffer.from(`${JSON.stringify({ error: message })}\n`)
  const about = ['Content-Type', 'application/json', 'Content-Length', `${body.length}`]
  return { status, headers: [...about, ...headers], body }
}
