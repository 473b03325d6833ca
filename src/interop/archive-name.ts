// Which paths are tile archives, and of which kind. This is the only place that decides. It is called for every source,
// so it loads no reader.
import { closeSync, readSync } from 'node:fs'
import { extname } from 'node:path'
import { openRegularSync, statOf } from '../platform/regular-file.js'
import { isTileFolder } from './folder/reader.js'

/** 'file' means a Flagstone file or PMTiles, which the store tells apart. */
export type ArchiveKind = 'file' | 'mbtiles' | 'folder'

interface FileKind {
  readonly kind: ArchiveKind
  /** With the dot, in lower case. Several kinds may have the same: then the first bytes decide. */
  readonly extensions: readonly string[]
  /** Whether the first `HEAD_BYTES` of a file, or all if it is shorter, are of this kind. Absent: never. */
  readonly begins?: (head: Buffer) => boolean
}

const HEAD_BYTES = 4096
const beginsWith =
  (mark: string, at = 0) =>
  (head: Buffer): boolean =>
    head.toString('latin1', at, at + mark.length) === mark

/** Kinds of files. A file is of the first kind that has its extension and its first bytes. */
const KINDS: readonly FileKind[] = [
  { kind: 'mbtiles', extensions: ['.mbtiles'], begins: beginsWith('SQLite format 3\0') },
  { kind: 'file', extensions: ['.pmtiles', '.ft'] },
]

/** What users call each kind: in a sentence, and in a table. */
export const KIND_NAMES: Readonly<Record<ArchiveKind, { readonly name: string; readonly short: string }>> = {
  file: { name: 'a Flagstone file or PMTiles', short: 'PMTiles' },
  mbtiles: { name: 'MBTiles', short: 'MBTiles' },
  folder: { name: 'z/x/y tiles in a folder', short: 'z/x/y' },
}

const kindsByName = (path: string): readonly FileKind[] => {
  const extension = extname(path).toLowerCase()
  return KINDS.filter(({ extensions }) => extensions.includes(extension))
}

/** Whether a file has the name of an archive, as searched for in folders. */
export const isNamedAsArchive = (path: string): boolean => kindsByName(path).length > 0

export const isTileArchive = (path: string): boolean => isNamedAsArchive(path) || isTileFolder(path)

/**
 * The kind, by extension. The first bytes decide for a file with another name, and where several kinds have the
 * extension. Anything else is a 'file', whose reader says what is wrong with it.
 */
export function archiveKind(path: string): ArchiveKind {
  if (isTileFolder(path)) return 'folder'
  const named = kindsByName(path)
  if (named.length === 1) return named[0]!.kind
  const head = headOf(path)
  const candidates = named.length > 0 ? named : KINDS
  return candidates.find(({ begins }) => head !== undefined && begins?.(head) === true)?.kind ?? 'file'
}

/** The first bytes of a file; undefined when there are none to read. */
function headOf(path: string): Buffer | undefined {
  let fd: number | undefined
  try {
    if (statOf(path)?.isFile() !== true) return undefined
    fd = openRegularSync(path)
    const head = Buffer.alloc(HEAD_BYTES)
    return head.subarray(0, readSync(fd, head, 0, head.length, 0))
  } catch {
    // the code that opens the file reports what is wrong with it
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
