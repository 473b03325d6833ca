// Expands what a user names to the paths of sources: files, folders, globs, lists, URLs.
//
//   path         the file itself; also a folder that is a z/x/y archive
//   folder       all rasters in it and below, sorted by path; without files that belong to another file (masks,
//                overviews, world files), without VRTs if there are other rasters, and without pictures whose
//                position is not known
//   glob         all files that match, sorted by path; without files that belong to another file
//   list.geojson a list of sources with properties, see list/; also .json (STAC) and .csv
//   @list.txt    a path, folder, glob or URL per line, relative to the list; # begins a comment
//   http(s)://…  the URL itself
//
// Invariants: the order is as given. No file appears twice. The output is included only if it was named.
import { existsSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { isTileArchive } from '../../interop/archive-name.js'
import { readRegularSync, specialKind, statOf } from '../../platform/regular-file.js'
import { withoutSecrets } from '../../raster/remote-path.js'
import type { ResolvedSource } from '../source-options.js'
import type { Prefers } from './list/entry.js'
import { isSourceList, MAX_LIST_BYTES, readSourceList } from './list/list.js'

export interface Inputs {
  /** The output, which is left out of folders and globs. */
  readonly out: string
  /** Which position a file keeps that is named twice. */
  readonly keep: 'first' | 'last'
  /** Which asset of a STAC item is wanted. Default: 'visual'. */
  readonly prefers?: Prefers
}

/** Formats that contain their georeferencing. PICTURES need a file beside them. */
const RASTERS = new Set('tif tiff gtif gtiff btf tf8 hgt asc agr grd vrt'.split(' '))
const PICTURES = new Set('png jpg jpeg webp avif'.split(' '))
/** What gdaltindex writes tile indexes to, besides GeoJSON. (A GeoPackage may also be a raster.) */
const VECTORS = new Set('shp dbf fgb gml kml parquet'.split(' '))
/** Files that belong to another file. */
const SIDECAR = /\.(msk|ovr|aux|aux\.xml|xml|prj|[a-z]{1,3}w|wld|tab|rrd|idx|lock|build|new|tmp)$/i
const WORLD_FILES: Readonly<Record<string, readonly string[]>> = {
  png: ['pgw', 'pngw'],
  jpg: ['jgw', 'jpgw'],
  jpeg: ['jgw', 'jpgw', 'jpegw'],
  webp: ['wpw', 'webpw'],
  avif: ['afw', 'avifw'],
}
/** Whether a file belongs to another file of a similar name. */
export const isSidecar = (path: string): boolean => SIDECAR.test(path)

/** The paths that names stand for. @throws as expandSources */
export async function expandInputs(given: readonly string[], inputs: Inputs): Promise<string[]> {
  const sources = await expandSources(
    given.map((location) => ({ location })),
    inputs,
  )
  return sources.map(({ location }) => location)
}

/**
 * Expands the locations of all sources to single files.
 * @throws NOT_FOUND when a pattern matches nothing
 * @throws BAD_OPTION when a list is not valid, or properties contradict each other
 */
export async function expandSources(
  given: readonly ResolvedSource[],
  inputs: Inputs,
): Promise<ResolvedSource[]> {
  const found: ResolvedSource[] = []
  for (const one of given) for (const source of await expand(one, '', inputs, 'no list')) found.push(source)
  const sources = withoutRepeats(found, inputs.keep)
  refuseSameIds(sources)
  return sources
}

const isUrl = (path: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(path)

/** What names a source: the caller, a line of @list.txt, or an entry of a list with properties. */
type Where = 'no list' | 'a text' | 'a list'

/** `base`: the folder that relative paths refer to; empty for the current directory. */
async function expand(
  given: ResolvedSource,
  base: string,
  inputs: Inputs,
  where: Where,
): Promise<readonly ResolvedSource[]> {
  const { location: one, ...said } = given
  if (isUrl(one) && isSourceList(one.replace(/[?#].*$/, ''))) throw remoteList(one)
  // URLs and GDAL's virtual paths: opening the latter gives the better message
  if (isUrl(one) || /^\/vsi[a-z0-9_]+[/?]/i.test(one)) return [given]
  if (one.startsWith('@') && where === 'no list') return expandList(given, one.slice(1), inputs)
  const path = base === '' || isAbsolute(one) ? one : join(base, one)
  const stat = statOf(path)
  if (stat?.isDirectory() === false && isSourceList(path) && where !== 'a list')
    return expandEntries(given, path, inputs)
  const paths = await filesAt(path, one, stat, inputs)
  if (said.id !== undefined && paths.length > 1) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `${path} names ${paths.length} images, and the id ${JSON.stringify(said.id)} can be that of one.`,
      { path },
    )
  }
  return paths.map((location) => ({ ...said, location }))
}

async function filesAt(
  path: string,
  one: string,
  stat: ReturnType<typeof statOf>,
  inputs: Inputs,
): Promise<string[]> {
  if (stat?.isDirectory()) return isTileArchive(path) ? [path] : rastersIn(path, inputs)
  if (stat !== undefined && VECTORS.has(extension(path))) throw vectors(path)
  if (stat !== undefined) return [path]
  if (/[*?[\]{}]/.test(one)) return matching(path, inputs)
  throw new FlagstoneError(
    'NOT_FOUND',
    `${path} does not exist; name a raster, a folder of them, a glob, a list of sources or @list.txt.`,
    {
      path,
    },
  )
}

const remoteList = (url: string): FlagstoneError =>
  new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${withoutSecrets(url)}: lists of sources are read from local files; download it, and look whether its paths are relative.`,
    { path: url },
  )

const vectors = (path: string): FlagstoneError =>
  new FlagstoneError(
    'SOURCE_UNSUPPORTED',
    `${path} is a file of vectors. If it is an index of images, convert it to a list: ogr2ogr list.geojson ${path}`,
    { path },
  )

/** The entries of a list with properties. What they do not say, `given` says. */
async function expandEntries(
  { location: _, ...said }: ResolvedSource,
  list: string,
  inputs: Inputs,
): Promise<ResolvedSource[]> {
  const found: ResolvedSource[] = []
  for (const { source, place } of readSourceList(list, inputs.prefers ?? 'visual')) {
    try {
      for (const one of await expand({ ...said, ...source }, dirname(list), inputs, 'a list')) found.push(one)
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      throw new FlagstoneError(error.code, `${place()}: ${error.message}`, { path: list, cause: error })
    }
  }
  return found
}

async function expandList(given: ResolvedSource, list: string, inputs: Inputs): Promise<ResolvedSource[]> {
  const stat = statOf(list)
  if (stat === undefined) {
    throw new FlagstoneError(
      'NOT_FOUND',
      `The list ${list} does not exist; @FILE is a text file with one path per line.`,
      {
        path: list,
      },
    )
  }
  const kind = specialKind(stat)
  if (kind !== undefined || stat.size > MAX_LIST_BYTES) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `${list} is not a list: ${kind === undefined ? 'it is too large' : `it is ${kind}`}; @FILE is a text file with one path per line.`,
      {
        path: list,
      },
    )
  }
  const found: ResolvedSource[] = []
  for (const line of readRegularSync(list)
    .toString()
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)) {
    const one = line.replace(/(^|\s)#.*$/, '').trim()
    if (one.includes('\0')) {
      throw new FlagstoneError(
        'BAD_OPTION',
        `${list} is not text; @FILE is a text file with one path per line.`,
        {
          path: list,
        },
      )
    }
    // one after another: the globs of a list may be many
    if (one === '') continue
    const source = { ...given, location: one }
    for (const file of await expand(source, dirname(list), inputs, 'a text')) found.push(file)
  }
  if (found.length > 0) return found
  throw new FlagstoneError('NOT_FOUND', `The list ${list} is empty; it should have one path per line.`, {
    path: list,
  })
}

const byPath = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const extension = (path: string): string => /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''

async function rastersIn(folder: string, { out }: Inputs): Promise<string[]> {
  const { glob } = await import('tinyglobby')
  const names = await glob('**/*', { cwd: folder, onlyFiles: true, dot: false, expandDirectories: false })
  const all = new Set(names.map((name) => name.toLowerCase()))
  const rasters = names.filter((name) => !SIDECAR.test(name) && isRaster(name, all)).sort(byPath)
  const others = rasters.filter((name) => extension(name) !== 'vrt')
  const found = (others.length > 0 ? others : rasters)
    .map((name) => join(folder, name))
    .filter((path) => resolve(path) !== resolve(out))
  if (found.length > 0) return found
  const loose = names.filter((name) => PICTURES.has(extension(name))).length
  const why =
    loose > 0 ? ` (${loose} images have no world file beside them, so they are not georeferenced)` : ''
  throw new FlagstoneError('NOT_FOUND', `The folder ${folder} has no rasters${why}.`, { path: folder })
}

function isRaster(name: string, all: ReadonlySet<string>): boolean {
  const kind = extension(name)
  if (RASTERS.has(kind)) return true
  if (!PICTURES.has(kind)) return false
  const lower = name.toLowerCase()
  const stem = lower.slice(0, -kind.length)
  return [`${lower}.aux.xml`, `${stem}wld`, ...(WORLD_FILES[kind] ?? []).map((w) => stem + w)].some((n) =>
    all.has(n),
  )
}

async function matching(pattern: string, { out }: Inputs): Promise<string[]> {
  const { glob } = await import('tinyglobby')
  const absolute = isAbsolute(pattern)
  const names = await glob(pattern, { absolute, onlyFiles: true, dot: false, expandDirectories: false })
  const found = names.filter((name) => !SIDECAR.test(name) && resolve(name) !== resolve(out)).sort(byPath)
  if (found.length > 0) return found
  throw new FlagstoneError(
    'NOT_FOUND',
    `Nothing matches ${pattern}${names.length > 0 ? ' except files that belong to others (masks, overviews, world files)' : ''}.`,
    { path: pattern },
  )
}

/** A file counts once: in its first or last position, with the properties that were given for it. */
function withoutRepeats(sources: readonly ResolvedSource[], keep: 'first' | 'last'): ResolvedSource[] {
  const order = keep === 'first' ? sources : [...sources].reverse()
  const found = new Map<string, ResolvedSource>()
  for (const source of order) {
    const { location } = source
    const key = isUrl(location) || !existsSync(location) ? location : realpathSync(location)
    const before = found.get(key)
    found.set(key, before === undefined ? source : joined(before, source))
  }
  const kept = [...found.values()]
  return keep === 'first' ? kept : kept.reverse()
}

function joined(kept: ResolvedSource, again: ResolvedSource): ResolvedSource {
  const said = ({ location: _, ...others }: ResolvedSource): string => JSON.stringify(others)
  const nothing = '{}'
  if (said(again) === nothing || said(again) === said(kept)) return kept
  if (said(kept) === nothing) return { ...again, location: kept.location }
  throw new FlagstoneError(
    'BAD_OPTION',
    `${withoutSecrets(kept.location)} is named twice with different properties, and a file counts once: leave one out.`,
    { path: kept.location },
  )
}

function refuseSameIds(sources: readonly ResolvedSource[]): void {
  const locations = new Map<string, string>()
  for (const { id, location } of sources) {
    if (id === undefined) continue
    const before = locations.get(id)
    if (before !== undefined) {
      throw new FlagstoneError(
        'BAD_OPTION',
        `${withoutSecrets(before)} and ${withoutSecrets(location)} have the same id, ${JSON.stringify(id)}; give each its own.`,
        { path: location },
      )
    }
    locations.set(id, location)
  }
}
