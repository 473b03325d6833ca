// Opens a new archive for writing. This is the only place that knows which containers can be written.
import { extname } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { placeAt } from '../platform/place.js'
import { didYouMean } from '../store/nearest.js'
import { outputPlace } from '../store/output-path.js'
import type { CogEncoding } from './cog/form.js'
import type { RowScheme } from './folder/schemes.js'
import type { MbtilesType } from './mbtiles/schemas.js'
import type { TileSink } from './transfer/sink.js'

/** A container that can be written. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

export const OUTPUT_FORMATS = [
  'pmtiles',
  'mbtiles',
  'folder',
  'tar',
  'zip',
  'versatiles',
  'cog',
  'frast',
] as const

export interface SinkRequest {
  readonly path: string
  readonly format: OutputFormat
  /** The command that writes, for messages: 'convert', 'merge'. */
  readonly who: string
  readonly overwrite: boolean
  /** Paths that are read; they are never written. */
  readonly inputs: readonly string[]
  /** Tables of MBTiles. Default: 'flat'. */
  readonly mbtilesType?: MbtilesType | undefined
  /** How tiles are encoded, where a container asks for one form of all. */
  readonly encoding?: CogEncoding | undefined
  /** Rows of a folder. Default: 'xyz'. */
  readonly scheme?: RowScheme | undefined
  /** JPEGs of a frast file have red and blue swapped. Default: false, they are copied. */
  readonly frastColours?: boolean | undefined
}

const EXTENSIONS: Readonly<Record<string, OutputFormat>> = {
  '.pmtiles': 'pmtiles',
  '.mbtiles': 'mbtiles',
  '.tif': 'cog',
  '.tiff': 'cog',
  '.tar': 'tar',
  '.zip': 'zip',
  '.versatiles': 'versatiles',
  '.ft': 'frast',
}

const CREATE: Readonly<Record<OutputFormat, (request: SinkRequest) => Promise<TileSink>>> = {
  pmtiles: async (request) => {
    const { PmtilesSink } = await import('./pmtiles/sink.js')
    return new PmtilesSink(outputPlace(request.path, { kind: 'archive', ...request }))
  },
  mbtiles: async (request) => {
    const { MbtilesSink } = await import('./mbtiles/sink.js')
    return MbtilesSink.create(request, request.mbtilesType ?? 'flat')
  },
  cog: async (request) => {
    const { CogSink } = await import('./cog/sink.js')
    const { isOwnCog } = await import('./cog/own-file.js')
    const place = outputPlace(request.path, {
      kind: 'archive',
      ...request,
      extension: '.tif',
      isOwn: isOwnCog,
    })
    return new CogSink(place, request.encoding ?? {})
  },
  folder: async (request) => {
    const { FolderSink } = await import('./folder/sink.js')
    return FolderSink.create(request, request.scheme ?? 'xyz')
  },
  tar: async (request) => new (await import('./tar/sink.js')).TarSink(request),
  frast: async (request) => {
    const { FrastSink } = await import('./frast/sink.js')
    return FrastSink.create(request, { swap: request.frastColours ?? false })
  },
  zip: async (request) => new (await import('./zip/sink.js')).ZipSink(request),
  versatiles: async (request) => new (await import('./versatiles/sink.js')).VersatilesSink(request),
}

/**
 * The format that a path's name says: by the extension. A slash at the end, an existing directory, or a name without an
 * extension mean a folder.
 * @throws BAD_OPTION when it says none
 */
export function outputFormatOf(path: string): OutputFormat {
  if (path.endsWith('/')) return 'folder'
  const extension = extname(path).toLowerCase()
  const found = EXTENSIONS[extension]
  if (found !== undefined) return found
  // these are refused, in words of their own
  if (path === '-' || path.includes('://')) return 'pmtiles'
  if (extension === '' || placeAt(path).kind === 'directory') return 'folder'
  const known = Object.keys(EXTENSIONS)
  throw new FlagstoneError(
    'BAD_OPTION',
    `${path}: the name does not say what to write${didYouMean(extension, known) || '.'} Use one of ${known.join(', ')}, a slash at the end for a folder, or --to (to).`,
    { path },
  )
}

/**
 * Opens a new archive. Nothing appears under its name until it is complete.
 * @throws BAD_OPTION, EXISTS, NOT_FOUND when the path cannot be written
 * @throws LOCKED when another process is writing it
 * @throws DISK_FULL, SYSTEM when it cannot be created
 */
export function createSink(request: SinkRequest): Promise<TileSink> {
  return CREATE[request.format](request)
}
