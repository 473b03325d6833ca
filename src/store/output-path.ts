// The only place that decides whether a path may be written, and what may be replaced there.
//
//   nothing there                              it is written
//   what the command itself makes              it is replaced if that was requested (--overwrite, overwrite)
//   a directory, pipe, device, '-', a URL,     it is never written
//     a source, any other file
//
// Symbolic links are followed: their target is replaced, the link stays.
import { dirname, sep } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { PMTILES_MAGIC } from '../format/layout.js'
import { isImageType, sniffTileType, TileType } from '../format/tile-type.js'
import {
  type FileIdentity,
  identityAt,
  isSameFile,
  type Place,
  type PlaceKind,
  placeAt,
  realPath,
} from '../platform/place.js'
import { openRealFile } from '../platform/real-file.js'
import { isFlat } from './read/open.js'

/** What is to be written: a tile archive, or the bytes of one tile or picture. */
export type OutputKind = 'archive' | 'picture'

export interface OutputRequest {
  readonly kind: OutputKind
  /** The command that writes, for messages: 'build', 'sample'. */
  readonly who: string
  readonly overwrite: boolean
  /** Paths that are read; they are never written. */
  readonly inputs?: readonly string[]
  /** Whether a file that does not look like the caller's own output is its output nevertheless. */
  readonly isOwn?: (path: string) => boolean
  /** What is written has another extension than .pmtiles, such as .mbtiles, with the dot; then no other is refused. */
  readonly extension?: string
}

export interface OutputPlace {
  /** With links followed. */
  readonly path: string
  /** The file that will be replaced, as it is now; undefined when there is none. */
  readonly replaces: FileIdentity | undefined
}

/** Extensions of other formats. Using one would mislead whoever opens the file. */
const OTHER_EXTENSIONS = new Set(
  // tile archives that cannot be written yet
  (
    'mbtiles zip tar gz tgz bz2 xz zst 7z ft sqlite sqlite3 db gpkg ' +
    // rasters
    'tif tiff gtiff gtif btf tf8 cog png jpg jpeg jpe webp avif heic gif bmp vrt hgt asc agr grd img jp2 j2k jpx ' +
    'jpf ecw sid nc hdf h5 he5 hdf5 dem ddf dt0 dt1 dt2 bil bip bsq flt dat xyz las laz ntf nitf grb grib grb2 ' +
    'rst sdat kap map ter bt pix ' +
    // sidecar files
    'prj tfw tifw jgw pgw wld ovr msk aux xml csv txt json geojson kml kmz shp html pdf'
  ).split(' '),
)

const SPECIAL: Partial<Record<PlaceKind, string>> = {
  directory: 'is a directory',
  pipe: 'is a named pipe',
  socket: 'is a socket',
  device: 'is a device',
}

const bad = (path: string, message: string): FlagstoneError =>
  new FlagstoneError('BAD_OPTION', message, { path })

/**
 * Where to write, and which file is replaced.
 * @throws BAD_OPTION when the path can never be written
 * @throws EXISTS when a file exists that may not be replaced
 * @throws NOT_FOUND when its directory does not exist
 * @throws SYSTEM
 */
export function outputPlace(path: string, request: OutputRequest): OutputPlace {
  checkName(path, request)
  const place = placeAt(path)
  checkKind(path, place, request)
  const { identity } = place
  if (identity === undefined) {
    checkDirectory(path)
    return { path, replaces: undefined }
  }
  refuseInput(path, request.inputs ?? [])
  if (request.kind === 'picture') refuseInside(place.path, request.inputs ?? [])
  const found = contentOf(place.path)
  const isOurs = request.kind === 'archive' ? found.isArchive : found.isPicture
  if (!isOurs && request.isOwn?.(place.path) !== true) throw notOurs(path, found, request)
  if (!request.overwrite) {
    throw new FlagstoneError(
      'EXISTS',
      `${path} exists already: replace it with ${request.who === 'create' ? 'overwrite: true' : '--overwrite'}, or choose another name.`,
      { path },
    )
  }
  return { path: place.path, replaces: identity }
}

/** What the name alone rules out. @throws BAD_OPTION */
function checkName(path: string, { kind, who, extension: own }: OutputRequest): void {
  const example = kind === 'archive' ? `out${own ?? '.pmtiles'}` : 'out.png'
  if (path === '-')
    throw bad(path, `${who} cannot write to standard output; name a file, such as ${example}.`)
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path))
    throw bad(path, `${path} is a URL; ${who} writes local files. Name one, such as ${example}.`)
  if (path.endsWith('/')) throw bad(path, `${path} names a directory; name the file to create.`)
  if (kind !== 'archive') return
  if (path.startsWith('@')) throw bad(path, `${path} names a list of sources; name the file to create last.`)
  if (own !== undefined) return
  const [, stem, extension] = /^(.*?)\.([^./]+)$/s.exec(path) ?? []
  if (extension !== undefined && OTHER_EXTENSIONS.has(extension.toLowerCase())) {
    const order = who === 'build' ? ' The file to create comes last, after the sources.' : ''
    throw bad(path, `${path}: ${who} writes PMTiles; name the file ${stem}.pmtiles.${order}`)
  }
}

/** @throws BAD_OPTION, NOT_FOUND */
function checkKind(path: string, { kind, target }: Place, { who }: OutputRequest): void {
  const special = SPECIAL[kind]
  if (special !== undefined)
    throw bad(
      path,
      `${path} ${special}; ${who} writes regular files only. Choose another name for the output.`,
    )
  if (kind === 'broken link') {
    throw bad(
      path,
      `${path} is a symbolic link to ${target}, which does not exist; name that file, or remove the link.`,
    )
  }
}

/** @throws NOT_FOUND */
function checkDirectory(path: string): void {
  const directory = dirname(path)
  if (placeAt(directory).kind === 'directory') return
  throw new FlagstoneError(
    'NOT_FOUND',
    `${path}: the directory ${directory} does not exist; create it first.`,
    {
      path: directory,
    },
  )
}

/** Follows links on both sides. @throws BAD_OPTION */
export function refuseInput(path: string, inputs: readonly string[]): void {
  const output = identityAt(path)
  if (output === undefined) return
  const source = inputs.find((input) => {
    const own = identityAt(input)
    return own !== undefined && isSameFile(own, output)
  })
  if (source === undefined) return
  const same = source === path ? '' : ` (the same file as ${source})`
  throw bad(path, `${path} is also a source${same}; choose another name for the output.`)
}

/** Refuses a picture inside a folder of tiles that is read. @throws BAD_OPTION */
function refuseInside(path: string, inputs: readonly string[]): void {
  const folder = inputs.find((input) => {
    const place = placeAt(input)
    return place.kind === 'directory' && realPath(path).startsWith(realPath(input) + sep)
  })
  if (folder !== undefined)
    throw bad(path, `${path} is part of the source ${folder}; choose another name for the output.`)
}

interface Content {
  readonly isArchive: boolean
  readonly isPicture: boolean
  /** With its article: 'a TIFF image'. */
  readonly name: string
}

const NAMES: readonly (readonly [mark: string, name: string])[] = [
  ['II*\0', 'a TIFF image'],
  ['MM\0*', 'a TIFF image'],
  ['II+\0', 'a TIFF image'],
  ['MM\0+', 'a TIFF image'],
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['SQLite format 3\0', 'an SQLite database (MBTiles, GeoPackage)'],
  ['PK\x03\x04', 'a zip archive'],
  ['<VRTDataset', 'a VRT'],
]
const isTile = (type: TileType): boolean =>
  isImageType(type) || type === TileType.mvt || type === TileType.elevation

function contentOf(path: string): Content {
  const file = openRealFile(path, 'read')
  try {
    const head = new Uint8Array(64)
    const bytes = head.subarray(0, file.read(head, 0))
    const isArchive = isFlat(file) || PMTILES_MAGIC.every((byte, i) => bytes[i] === byte)
    const text = Buffer.from(bytes).toString('latin1')
    const name = NAMES.find(([mark]) => text.startsWith(mark))?.[1]
    return {
      isArchive,
      isPicture: !isArchive && isTile(sniffTileType(bytes)),
      name: isArchive
        ? 'a tile archive'
        : (name ?? (bytes.length === 0 ? 'an empty file' : 'another kind of file')),
    }
  } finally {
    file.close()
  }
}

function notOurs(path: string, { name }: Content, { kind, who }: OutputRequest): FlagstoneError {
  const what = kind === 'archive' ? 'tile archives' : 'pictures and tiles'
  return new FlagstoneError(
    'EXISTS',
    `${path} exists and is ${name}; ${who} replaces nothing but ${what}. Choose another name, or remove it first.`,
    { path },
  )
}
