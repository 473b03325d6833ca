// Which paths are tile archives, and of which kind. This is the only place that decides. It is called for every source,
// so it loads no reader.
import { closeSync, fstatSync } from 'node:fs'
import { basename } from 'node:path'
import { openRegularSync, statOf } from '../platform/regular-file.js'
import { readAt } from '../platform/transfer.js'
import { isTileFolder } from './folder/reader.js'
import { beginsFrast } from './frast/layout.js'
import { TILE_NAME_INSIDE } from './packed/tile-name.js'

/** 'file' means a Flagstone file or PMTiles, which the store tells apart. */
export type ArchiveKind = 'file' | 'mbtiles' | 'folder' | 'tar' | 'zip' | 'frast' | 'versatiles'

interface FileKind {
  readonly kind: ArchiveKind
  /** With the dot, in lower case. Several kinds may have the same: then the first bytes decide. */
  readonly extensions: readonly string[]
  /** Whether the first `HEAD_BYTES` of a file, or all if it is shorter, are of this kind. Absent: never. */
  readonly begins?: (head: Buffer) => boolean
  /** Whether a file of this kind is an archive of tiles, where it may as well have anything else in it. */
  readonly holdsTiles?: (path: string) => boolean
}

const HEAD_BYTES = 4096
const LOOK_BYTES = 64 * 1024
const beginsWith =
  (mark: string, at = 0) =>
  (head: Buffer): boolean =>
    head.toString('latin1', at, at + mark.length) === mark

/** Kinds of files. A file is of the first kind that has its extension and its first bytes. */
const KINDS: readonly FileKind[] = [
  { kind: 'mbtiles', extensions: ['.mbtiles'], begins: beginsWith('SQLite format 3\0') },
  {
    kind: 'tar',
    extensions: '.tar .tgz .tar.gz .tbz2 .tar.bz2 .txz .tar.xz .tar.zst'.split(' '),
    begins: beginsWith('ustar', 257),
    holdsTiles: (path) => namesTiles(path, 'start'),
  },
  {
    kind: 'zip',
    extensions: ['.zip'],
    begins: beginsWith('PK\x03\x04'),
    holdsTiles: (path) => namesTiles(path, 'end'),
  },
  { kind: 'versatiles', extensions: ['.versatiles'], begins: beginsWith('versatiles_v') },
  { kind: 'frast', extensions: ['.ft'], begins: beginsFrast },
  { kind: 'file', extensions: ['.pmtiles', '.ft'] },
]

/** What users call each kind: in a sentence, and in a table. */
export const KIND_NAMES: Readonly<Record<ArchiveKind, { readonly name: string; readonly short: string }>> = {
  file: { name: 'a Flagstone file or PMTiles', short: 'PMTiles' },
  mbtiles: { name: 'MBTiles', short: 'MBTiles' },
  tar: { name: 'z/x/y tiles in a tar archive', short: 'tar' },
  zip: { name: 'z/x/y tiles in a zip archive', short: 'zip' },
  versatiles: { name: 'a VersaTiles container', short: 'VersaTiles' },
  frast: { name: 'frast', short: 'frast' },
  folder: { name: 'z/x/y tiles in a folder', short: 'z/x/y' },
}

const kindsByName = (path: string): readonly FileKind[] => {
  const name = basename(path).toLowerCase()
  return KINDS.filter(({ extensions }) => extensions.some((extension) => name.endsWith(extension)))
}

/** Whether a file has the name of an archive, as searched for in folders. It may be one of anything else than tiles. */
export const isNamedAsArchive = (path: string): boolean => kindsByName(path).length > 0

/** Whether a file that is named as an archive is one of tiles, as far as can be told at a glance. */
export const mayHoldTiles = (path: string): boolean =>
  kindsByName(path).some(({ holdsTiles }) => holdsTiles?.(path) !== false)

export const isTileArchive = (path: string): boolean => mayHoldTiles(path) || isTileFolder(path)

/**
 * The kind, by extension. The first bytes decide for a file with another name, and where several kinds have the
 * extension. Anything else is a 'file', whose reader says what is wrong with it.
 */
export function archiveKind(path: string): ArchiveKind {
  if (isTileFolder(path)) return 'folder'
  const named = kindsByName(path)
  if (named.length === 1) return named[0]!.kind
  const head = partOf(path, HEAD_BYTES, 'start')
  const candidates = named.length > 0 ? named : KINDS
  return candidates.find(({ begins }) => head !== undefined && begins?.(head) === true)?.kind ?? 'file'
}

/** Whether names of tiles are among the first or last files of an archive, which has them as plain text there. */
const namesTiles = (path: string, where: 'start' | 'end'): boolean =>
  TILE_NAME_INSIDE.test(partOf(path, LOOK_BYTES, where)?.toString('latin1') ?? '')

/** The first or last bytes of a file; undefined when there are none to read. */
function partOf(path: string, bytes: number, where: 'start' | 'end'): Buffer | undefined {
  let fd: number | undefined
  try {
    if (statOf(path)?.isFile() !== true) return undefined
    fd = openRegularSync(path)
    const part = Buffer.alloc(bytes)
    const from = where === 'start' ? 0 : Math.max(0, fstatSync(fd).size - bytes)
    return part.subarray(0, readAt(fd, part, from))
  } catch {
    // the code that opens the file reports what is wrong with it
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
