// Computed responses of a source: cached under everything they depend on, computed once for all requests, in order.
import { createHash } from 'node:crypto'
import type { ServerContext } from './context.js'
import { notModified } from './http/conditional.js'
import type { Made } from './http/made.js'
import type { Query, Reply } from './http/message.js'
import type { Source } from './sources/source.js'

/** Increased when a change of this program changes the response to the same request. */
const EDITION = 1

/** The ETag of a computed response, known before it is computed: from the source's state and the request. */
export function computedTag(source: Source, asked: string): string {
  const digest = createHash('sha1').update(`${EDITION} ${source.id} ${source.version} ${asked}`)
  return `"${digest.digest('base64url')}"`
}

/**
 * A 304 for clients that have the response already, without computing it. Not for '*', which asks whether there is a
 * response: that is known only when it is computed.
 */
export function notMadeAgain(
  query: Query,
  source: Source,
  asked: string,
  headers: readonly string[] = [],
): Reply | undefined {
  const known = query.header('if-none-match')
  if (known === undefined || known.trim() === '*') return undefined
  return notModified(query, computedTag(source, asked), headers)
}

/** Memory is reserved by it: how large the picture is of all that one may ask for. */
export interface Weight {
  readonly pixels: number
}

/**
 * The answer to what is asked for, from the cache or made. `asked` names it wholly, so that equal ones are equal
 * answers; `make` may use the source until its promise has settled.
 * @throws as `make`
 * @throws HttpError 503 when too much is going on
 */
export function computed(
  context: ServerContext,
  source: Source,
  query: Query,
  asked: string,
  make: (signal: AbortSignal) => Promise<Omit<Made, 'etag'> | undefined>,
  weight: Weight = { pixels: 0 },
): Promise<Made | undefined> {
  const etag = computedTag(source, asked)
  const job = async (signal: AbortSignal): Promise<Made | undefined> => {
    const release = source.hold()
    try {
      const made = await make(signal)
      return made && { ...made, etag }
    } finally {
      release()
    }
  }
  const begin = (everyone: AbortSignal): Promise<Made | undefined> => {
    // from now on, not from its turn on: while it waits the source may be replaced
    const release = source.hold()
    return context.work.run(everyone, job, slotsOf(context, weight)).finally(release)
  }
  return context.cache.getOrMake(`${source.id} ${etag}`, begin, query.signal)
}

/** An image of the largest size takes half of all slots, so that two of them are drawn at once. */
function slotsOf({ options: { limits } }: ServerContext, { pixels }: Weight): number {
  return Math.max(1, Math.ceil((limits.jobs * pixels) / (2 * limits.pixels)))
}
