// What the inputs stand for at this moment: tile archives, by path.
//
// Invariants: nothing outside a given folder, or a glob's fixed part, is ever found: links that lead out are left aside
// unless they were named themselves; links to folders are not followed, hidden files not looked at. A link to a file
// ('latest.pmtiles') is a name of its own: it neither hides the file it leads to nor is hidden by it. The order is the
// same for the same files: what was named first, then by depth and name.
import { type Dirent, type Stats, statSync } from 'node:fs'
import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { convertPathToPattern, glob, isDynamicPattern } from 'tinyglobby'
import { FlagstoneError } from '../../errors.js'
import { isNamedAsArchive, mayHoldTiles } from '../../interop/archive-name.js'
import { isTileFolder } from '../../interop/folder/reader.js'
import { fromNodeError } from '../../platform/system-error.js'
import type { MissingPolicy } from '../options.js'
import type { SourceInput } from './source.js'

export interface Found {
  readonly path: string
  /** Without links: what is opened. */
  readonly real: string
  /** Where it lies, its folders without links; other than `real` where it is a link itself. */
  readonly place: string
  /** Named itself, so that it must be there. */
  readonly isNamed: boolean
  /** Its path below the folder it was found in: tells files of one name apart, wherever the folder is. */
  readonly label: string
  readonly id: string | undefined
  readonly missing: MissingPolicy | undefined
}

export interface Discovery {
  readonly found: readonly Found[]
  readonly problems: readonly { readonly path: string; readonly message: string }[]
  /** Where something may appear or change. */
  readonly directories: ReadonlySet<string>
}

interface Gathering {
  found: Found[]
  problems: { path: string; message: string }[]
  directories: Set<string>
}

/** `depth`: folders in a given folder that are looked into, one in the other. */
export async function discover(inputs: readonly SourceInput[], depth: number): Promise<Discovery> {
  const all: Gathering = { found: [], problems: [], directories: new Set() }
  for (const input of inputs) {
    if (typeof input === 'string') await discoverPath(input, {}, depth, all)
    else if (input.path !== undefined) await discoverPath(input.path, input, depth, all)
  }
  // the same file may be named and lie in a folder: then what was said of it by name counts
  const named = new Set(all.found.flatMap(({ isNamed, real }) => (isNamed ? real : [])))
  const seen = new Set<string>()
  const found = [...all.found.filter((f) => f.isNamed), ...all.found.filter((f) => !f.isNamed)].filter(
    ({ place, isNamed, id }) => {
      const isNew = !seen.has(place) && (isNamed || !named.has(place))
      seen.add(place)
      return isNew || id !== undefined
    },
  )
  return { ...all, found }
}

/** Undefined where nothing is. @throws SYSTEM when the path cannot be followed */
function factsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw fromNodeError(error, 'stat', path)
  }
}

async function discoverPath(
  input: string,
  about: { id?: string | undefined; missing?: MissingPolicy | undefined },
  depth: number,
  all: Gathering,
): Promise<void> {
  const path = resolve(input)
  const facts = factsOf(path)
  const [before, troubles] = [all.found.length, all.problems.length]
  if (facts === undefined && isDynamicPattern(input)) await discoverGlob(input, about.missing, all)
  else if (facts?.isDirectory() === true && !hasTiles(path, all)) {
    await walk(path, await realpath(path).catch(() => path), path, about.missing, depth, all)
  } else {
    all.directories.add(dirname(path))
    const real = await realpath(path).catch(() => path)
    const place = join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path))
    const { id, missing } = about
    all.found.push({ path, real, place, isNamed: true, label: basename(path), id, missing })
    return
  }
  if (about.id !== undefined) {
    throw new FlagstoneError(
      'BAD_OPTION',
      `The id '${about.id}' is for one archive, but ${input} has several; leave out the id.`,
      { path: input },
    )
  }
  if (all.found.length === before && all.problems.length === troubles) {
    all.problems.push({
      path: input,
      message: `${input} has no tile archives (.pmtiles, .mbtiles, .versatiles, .ft, z/x/y in a folder, .tar or .zip).`,
    })
  }
}

async function walk(
  root: string,
  realRoot: string,
  directory: string,
  missing: MissingPolicy | undefined,
  depth: number,
  all: Gathering,
): Promise<void> {
  all.directories.add(directory)
  const folders: string[] = []
  // no link leads here, so the real path is the root's and the rest: a look at thousands of files is a look at folders
  const add = (path: string): void => {
    const label = relative(root, path)
    const real = join(realRoot, label)
    all.found.push({ path, real, place: real, isNamed: false, label, id: undefined, missing })
  }
  for (const entry of await entriesOf(directory, all)) {
    const path = join(directory, entry.name)
    const isArchive = isNamedAsArchive(entry.name)
    if (entry.isDirectory()) folders.push(path)
    else if (isArchive && entry.isFile() && !mayHoldTiles(path)) continue
    else if (isArchive && entry.isSymbolicLink()) await addInside(root, realRoot, path, missing, all)
    else if (isArchive && entry.isFile()) add(path)
    else if (isArchive)
      all.problems.push({ path, message: `${path} is not a regular file, so it is not served.` })
  }
  for (const path of folders) {
    const [before, troubles] = [all.found.length, all.problems.length]
    if (hasTiles(path, all)) add(path)
    else if (depth > 0) await walk(root, realRoot, path, missing, depth - 1, all)
    const isArchive = isNamedAsArchive(path)
    if (isArchive && all.found.length === before && all.problems.length === troubles)
      all.problems.push({ path, message: `${path} is a folder without tile archives.` })
  }
}

function hasTiles(path: string, all: Gathering): boolean {
  try {
    return isTileFolder(path)
  } catch (error) {
    unreadable(path, error, all)
    return false
  }
}

function unreadable(directory: string, error: unknown, all: Gathering): void {
  const { code = '', message } = error as NodeJS.ErrnoException
  if (code !== 'ENOENT') all.problems.push({ path: directory, message: `${directory}: ${message}.` })
}

async function entriesOf(directory: string, all: Gathering): Promise<Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => compare(a.name, b.name))
  } catch (error) {
    unreadable(directory, error, all)
    return []
  }
}

async function discoverGlob(
  pattern: string,
  missing: MissingPolicy | undefined,
  all: Gathering,
): Promise<void> {
  const root = fixedPart(pattern)
  const below = relative(root, resolve(pattern)).split(sep).join('/')
  const realRoot = await realpath(root).catch(() => root)
  all.directories.add(root)
  const matches = await glob(below, {
    cwd: root,
    absolute: true,
    onlyFiles: false,
    expandDirectories: false,
    followSymbolicLinks: false,
  })
  for (const match of matches.map((path) => resolve(path)).sort(compare)) {
    const facts = await stat(match).catch(() => undefined)
    if (facts?.isFile() === true || (facts?.isDirectory() === true && hasTiles(match, all))) {
      all.directories.add(dirname(match))
      await addInside(root, realRoot, match, missing, all)
    }
  }
}

/** The folders of a pattern before the first that is one itself. */
function fixedPart(pattern: string): string {
  const parts = resolve(pattern).split(sep)
  const at = parts.findIndex((part) => part !== convertPathToPattern(part))
  return parts.slice(0, at).join(sep) || sep
}

async function addInside(
  root: string,
  realRoot: string,
  path: string,
  missing: MissingPolicy | undefined,
  all: Gathering,
): Promise<void> {
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) {
    // else it went between listing and looking
    const isThere = (await readlink(path).catch(() => undefined)) !== undefined
    if (isThere) all.problems.push({ path, message: `${path} is a broken link: its target does not exist.` })
    return
  }
  if (real !== realRoot && !real.startsWith(realRoot === sep ? sep : realRoot + sep)) {
    all.problems.push({
      path,
      message: `${path} is a link to a file outside ${root}, so it is not served; pass its path to serve it.`,
    })
    return
  }
  const label = relative(root, path)
  const place = join(realRoot, label)
  all.found.push({ path, real, place, isNamed: false, label, id: undefined, missing })
}

/** By code units: the same everywhere, unlike a locale's order. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
