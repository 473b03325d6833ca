// '/{id}.pmtiles': the whole archive over HTTP, or a range of it, so that PMTiles clients work against this server.
//
// Sealed files and foreign archives are sent unchanged, from the file that the source has open, even if its path names
// another file by now. Files that grow are sent as the archive that sealing would make of them. Long answers are read as the
// client takes them. Clients that hold directories of an older state see that the entity tag has changed.
import { setTimeout } from 'node:timers/promises'
import { FlagstoneError } from '../../errors.js'
import type { ArchiveBytes } from '../../store/live/virtual-archive.js'
import type { RoutedSource, ServerContext } from '../context.js'
import { notModified } from '../http/conditional.js'
import { HttpError, type Query, type Reply } from '../http/message.js'
import type { Source } from '../sources/source.js'
import { parseRange } from './byte-range.js'
import { GrowingArchives } from './growing-archives.js'

const CHUNK_BYTES = 256 * 1024
const TRIES = 4
/** A writer that moves parts of the file is done after some of these. */
const WAIT_MS = 25

const growing = new WeakMap<ServerContext, GrowingArchives>()

export async function answerArchive(context: ServerContext, { query, source }: RoutedSource): Promise<Reply> {
  if (source.reader === undefined)
    throw new HttpError(
      404,
      `${source.id} is not a PMTiles archive; its tiles are at /${source.id}/{z}/{x}/{y}.`,
    )
  const release = source.hold()
  try {
    return await inOneState(async () =>
      answerBytes(query, source, await archivesOf(context).of(source.reader!)),
    )
  } finally {
    release()
  }
}

function archivesOf(context: ServerContext): GrowingArchives {
  let archives = growing.get(context)
  if (archives === undefined) {
    archives = new GrowingArchives(context.work)
    growing.set(context, archives)
  }
  return archives
}

/** Again when the file was changed between finding out what it is and reading it. */
async function inOneState(answer: () => Promise<Reply>): Promise<Reply> {
  for (let tries = 1; ; tries++) {
    try {
      return await answer()
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      if (error.code === 'TOO_LARGE')
        throw new HttpError(
          503,
          'The file is still being written, and is too large to be sent as an archive before it is sealed.',
        )
      if (error.code !== 'LOCKED') throw error
      if (tries === TRIES)
        throw new HttpError(503, 'The file is changing too fast; try again.', ['Retry-After', '1'])
      await setTimeout(WAIT_MS)
    }
  }
}

async function answerBytes(query: Query, source: Source, archive: ArchiveBytes): Promise<Reply> {
  const { length } = archive
  const etag = `"${archive.tag}"`
  const headers = ['Accept-Ranges', 'bytes', 'Content-Type', 'application/vnd.pmtiles', 'ETag', etag]
  // the same address answers something else in a moment
  if (archive.isVirtual) headers.push('Cache-Control', 'no-cache')
  if (!matches(query.header('if-match'), etag))
    throw new HttpError(412, 'The archive has changed; read it again.', ['ETag', etag])
  const same = notModified(query, etag)
  if (same !== undefined) return same
  const range = query.method === 'HEAD' ? 'whole' : wantedRange(query, etag, length)
  if (range === 'none')
    throw new HttpError(416, `The archive has ${length} bytes.`, [
      'Content-Range',
      `bytes */${length}`,
      'ETag',
      etag,
    ])
  const { from, to } = range === 'whole' ? { from: 0, to: length } : range
  headers.push('Content-Length', String(to - from))
  if (range !== 'whole') headers.push('Content-Range', `bytes ${from}-${to - 1}/${length}`)
  const status = range === 'whole' ? 200 : 206
  if (query.method === 'HEAD') return { status, headers, body: undefined }
  if (to - from > CHUNK_BYTES) return { status, headers, body: chunks(source, archive, from, to) }
  const body = Buffer.allocUnsafe(to - from)
  await archive.read(body, from)
  return { status, headers, body }
}

/** If-Range: only of the state the client knows, else everything. Dates are never those of a state. */
function wantedRange(query: Query, etag: string, length: number): ReturnType<typeof parseRange> {
  const ifRange = query.header('if-range')
  return ifRange === undefined || ifRange === etag ? parseRange(query.header('range'), length) : 'whole'
}

/** If-Match, compared strongly (RFC 9110, 13.1.1). */
function matches(list: string | undefined, etag: string): boolean {
  if (list === undefined) return true
  return list.split(',').some((member) => member.trim() === etag || member.trim() === '*')
}

/** The file is held for as long as the client reads, or until it is gone. */
async function* chunks(
  source: Source,
  archive: ArchiveBytes,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array, void> {
  const release = source.hold()
  try {
    for (let at = from; at < to; at += CHUNK_BYTES) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - at))
      await archive.read(chunk, at)
      yield chunk
    }
  } finally {
    release()
  }
}
