// A document about all sources, of which there may be ten thousand: made of a part for each in slices, so that tiles are
// answered meanwhile, and kept for as long as no source changes.
import { createHash } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { newPace } from '../../store/live/pace.js'
import type { ServerContext } from '../context.js'
import { notModified } from '../http/conditional.js'
import { textAnswer } from '../http/json-answer.js'
import type { Query, Reply } from '../http/message.js'
import type { Catalog, Source } from '../sources/source.js'
import { namesOf } from './source-facts.js'
import { tileLook } from './tile-look.js'

/** Files up to this size are described when they are opened first: that takes hundreds of microseconds each. */
const SMALL_BYTES = 4 * 1024 * 1024

export interface ManyDocument<T> {
  /** Its name, and all that it depends on besides the sources. */
  readonly key: string
  readonly contentType: string
  /** May use the source until its promise has settled. Undefined: it is left out, as it is when this fails. */
  readonly part: (source: Source) => Promise<T | undefined>
  /** Puts the parts together, at once. */
  readonly whole: (parts: readonly T[]) => string
}

export async function manyAnswer<T>(
  { catalog, cache, work }: ServerContext,
  query: Query,
  { key, contentType, part, whole }: ManyDocument<T>,
): Promise<Reply> {
  const state = createHash('sha1').update(key)
  await forEach(catalog, (source) => void state.update(`\n${source.id}\n${source.version}`))
  const etag = `"${state.digest('base64url')}"`
  const same = notModified(query, etag)
  if (same !== undefined) return same
  const made = await cache.getOrMake(`${key}\n${etag}`, (everyone) =>
    work.run(everyone, async (signal) => {
      const parts: T[] = []
      await forEach(
        catalog,
        async (source) => {
          const one = await part(source)
          if (one !== undefined) parts.push(one)
        },
        signal,
      )
      return { bytes: Buffer.from(whole(parts)), contentType, etag }
    }),
  )
  return textAnswer(query, made!.bytes, { contentType, etag })
}

/** What was left for later. */
const large = new WeakSet<Source>()

/** Describes a source that was just opened, and so is at hand; a large one is left to `describeLater`. */
export async function describeEarly(source: Source, fileBytes: number): Promise<void> {
  // of a folder of tiles nothing is at hand
  if (source.kind === 'folder') return
  if (fileBytes > SMALL_BYTES) {
    large.add(source)
    return
  }
  try {
    await tileLook(source)
    namesOf(source)
  } catch {
    // it is damaged, or being overwritten: its own URLs report that
  }
}

/** Describes the large sources, one by one, resting as long after each; a request for one of them does not wait. */
export async function describeLater(catalog: Catalog, isOver: () => boolean): Promise<void> {
  for (const source of catalog.list()) {
    if (!large.has(source)) continue
    const since = performance.now()
    await actOn(source, () => describeEarly(source, 0)).catch(() => undefined)
    await after(performance.now() - since, undefined, { ref: false })
    if (isOver()) return
  }
}

/** In slices; a source that fails is left out, so that it does not hide the others; its own URLs report why. */
async function forEach(
  catalog: Catalog,
  act: (source: Source) => Promise<void> | void,
  signal?: AbortSignal,
): Promise<void> {
  const pace = newPace()
  for (const listed of catalog.list()) {
    const turn = pace()
    if (turn !== undefined) await turn
    signal?.throwIfAborted()
    try {
      await actOn(listed, act)
    } catch {
      await actOnCurrent(catalog, listed.id, act)
    }
  }
}

async function actOn(source: Source, act: (source: Source) => Promise<void> | void): Promise<void> {
  const release = source.hold()
  try {
    await act(source)
  } finally {
    release()
  }
}

/** It was replaced since it was listed, or while it was closed: the catalogue knows by what. */
async function actOnCurrent(
  catalog: Catalog,
  id: string,
  act: (source: Source) => Promise<void> | void,
): Promise<void> {
  try {
    const current = catalog.get(id)
    if (current !== undefined) await actOn(current, act)
  } catch {
    // left out
  }
}
