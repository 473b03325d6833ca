// Expands what a user names to the paths of sources: files, folders, globs, lists, URLs.
//
//   path         the file itself; also a folder that is a z/x/y archive
//   folder       all rasters in it and below, sorted by path; without files that belong to another file (masks,
//                overviews, world files), without VRTs if there are other rasters, and without pictures whose
//                position is not known
//   glob         all files that match, sorted by path; without files that belong to another file
//   @list.txt    a path, folder, glob or URL per line, relative to the list; # begins a comment
//   http(s)://…  the URL itself
//
// Invariants: the order is as given. No file appears twice. The output is included only if it was named.
import { existsSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { FlagstoneError } from '../../errors.js'
import { isTileArchive } from '../../interop/archive-name.js'
import { readRegularSync, specialKind, statOf } from '../../platform/regular-file.js'

export interface Inputs {
  /** The output, which is left out of folders and globs. */
  readonly out: string
  /** Which position a file keeps that is named twice. */
  readonly keep: 'first' | 'last'
}

/** Formats that contain their georeferencing. PICTURES need a file beside them. */
const RASTERS = new Set('tif tiff gtif gtiff btf tf8 hgt asc agr grd vrt'.split(' '))
const PICTURES = new Set('png jpg jpeg webp avif'.split(' '))
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

const MAX_LIST_BYTES = 64 * 2 ** 20

/**
 * Expands all names to paths.
 * @throws NOT_FOUND when a pattern matches nothing
 * @throws BAD_OPTION when a list is not valid
 */
export async function expandInputs(given: readonly string[], inputs: Inputs): Promise<string[]> {
  const found: string[] = []
  for (const one of given) for (const path of await expand(one, '', inputs, false)) found.push(path)
  return withoutRepeats(found, inputs.keep)
}

const isUrl = (path: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(path)

/** `base`: the folder that relative paths refer to; empty for the current directory. */
async function expand(one: string, base: string, inputs: Inputs, inList: boolean): Promise<string[]> {
  // URLs and GDAL's virtual paths: opening the latter gives the better message
  if (isUrl(one) || /^\/vsi[a-z0-9_]+[/?]/i.test(one)) return [one]
  if (one.startsWith('@') && !inList) return expandList(one.slice(1), inputs)
  const path = base === '' || isAbsolute(one) ? one : join(base, one)
  const stat = statOf(path)
  if (stat?.isDirectory()) return isTileArchive(path) ? [path] : rastersIn(path, inputs)
  if (stat !== undefined) return [path]
  if (/[*?[\]{}]/.test(one)) return matching(path, inputs)
  throw new FlagstoneError(
    'NOT_FOUND',
    `${path} does not exist; name a raster, a folder of them, a glob or @list.txt.`,
    {
      path,
    },
  )
}

async function expandList(list: string, inputs: Inputs): Promise<string[]> {
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
  const found: string[] = []
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
    if (one !== '') for (const path of await expand(one, dirname(list), inputs, true)) found.push(path)
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

function withoutRepeats(paths: readonly string[], keep: 'first' | 'last'): string[] {
  const order = keep === 'first' ? paths : [...paths].reverse()
  const seen = new Set<string>()
  const found = order.filter((path) => {
    const key = isUrl(path) || !existsSync(path) ? path : realpathSync(path)
    return seen.has(key) ? false : seen.add(key) !== undefined
  })
  return keep === 'first' ? found : found.reverse()
}
