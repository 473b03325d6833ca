// Globs and placeholders: one job as it is written may stand for many.
import { realpathSync } from 'node:fs'
import { basename, dirname, extname, isAbsolute, join, normalize, relative, resolve } from 'node:path'
import { FlagstoneError } from '../errors.js'
import { isTileArchive } from '../interop/archive-name.js'
import { statOf } from '../platform/regular-file.js'
import { isSidecar } from '../pyramid/sources/inputs.js'
import type { LineText, Shape } from './commands.js'

const PLACEHOLDER = /\{(name|dir|ext)\}/g

export const isUrl = (path: string): boolean => /^([a-z][a-z0-9+.-]+:\/\/|\/vsi[a-z0-9_]+[/?])/i.test(path)

const hasPlaceholder = (path: string | undefined): boolean =>
  path !== undefined && path.search(PLACEHOLDER) >= 0

/** Whether a path is a pattern; a file whose name looks like one is a file. */
function isGlob(path: string, base: string): boolean {
  if (isUrl(path) || path.startsWith('@')) return false
  return /[*?[\]{}]/.test(path.replace(PLACEHOLDER, '')) && statOf(resolve(base, path)) === undefined
}

/** The folder in front of the first part of a pattern that is one. */
function folderOf(pattern: string): string {
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => /[*?[\]{}]/.test(part))
  return parts.slice(0, first).join('/') || (isAbsolute(pattern) ? '/' : '.')
}

/** A pattern as an expression for files that do not exist yet. */
function expressionOf(pattern: string): RegExp {
  const source = normalize(pattern).replace(/\*\*\/|\*\*|[*?{},]|\[[^\]]*\]|[.+^$()|\\]/g, (found) => {
    if (found === '**/') return '(?:.*/)?'
    if (found === '**') return '.*'
    if (found === '*') return '[^/]*'
    if (found === '?') return '[^/]'
    if (found === '{') return '(?:'
    if (found === '}') return ')'
    if (found === ',') return '|'
    if (found.startsWith('[')) return found.replace('[!', '[^')
    return `\\${found}`
  })
  try {
    return new RegExp(`^${source}$`, 's')
  } catch {
    return /^(?!)/
  }
}

/**
 * Whether no link is on the way from a folder to that of a path. As in a shell, ** does not follow them: one to a folder
 * above would lead everywhere.
 */
function withoutLinks(root: string, base: string): (path: string) => boolean {
  const real = placeOf(root)
  const known = new Map<string, boolean>()
  return (path) => {
    const folder = dirname(resolve(base, path))
    const isPlain = known.get(folder) ?? placeOf(folder) === join(real, relative(root, folder))
    known.set(folder, isPlain)
    return isPlain
  }
}

/** Without links; the path itself when it cannot be looked at. */
function placeOf(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}

/** @throws INTERRUPTED when the signal was aborted: a pattern may go through a whole disk */
async function matches(
  pattern: string,
  base: string,
  made: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const { glob } = await import('tinyglobby')
  const kinds = { onlyFiles: false, dot: false, expandDirectories: false }
  const options = { ...kinds, cwd: base, absolute: isAbsolute(pattern), ...(signal && { signal }) }
  const all = await glob(pattern, options)
  if (signal?.aborted === true)
    throw new FlagstoneError('INTERRUPTED', 'Interrupted; no job was started.', { path: pattern })
  const isReached = pattern.includes('**') ? withoutLinks(resolve(base, folderOf(pattern)), base) : () => true
  const found = all
    .filter(isReached)
    .filter((path) => !isSidecar(path) && (!path.endsWith('/') || isTileArchive(resolve(base, path))))
    .map((path) => path.replace(/\/$/, ''))
  const expression = expressionOf(pattern)
  const coming = made.map((path) => normalize(path)).filter((path) => expression.test(path))
  return [...new Set([...found, ...coming])].sort()
}

function filled(template: string, match: string, folder: string): string {
  const words: Record<string, string> = {
    name: basename(match, extname(match)),
    ext: extname(match).slice(1),
    dir: dirname(relative(folder, match)),
  }
  const text = template.replace(PLACEHOLDER, (_, word: string) => words[word]!)
  return text === template ? text : normalize(text)
}

function assertPlaceholders(output: string | undefined): void {
  const unknown = /\{\w+\}/.exec(output?.replace(PLACEHOLDER, '') ?? '')
  if (unknown !== null)
    throw new FlagstoneError(
      'BAD_OPTION',
      `there is no ${unknown[0]} for an output (${output}); use {name}, {dir} and {ext}, which are those of each input.`,
      { path: output! },
    )
}

/**
 * The command lines that a job stands for.
 * @param made outputs of the jobs before it, which a pattern may match
 * @throws BAD_OPTION when a pattern matches nothing, or the output has a placeholder that does not exist
 */
export async function expandJob(
  line: LineText,
  shape: Shape,
  base: string,
  made: readonly string[],
  signal?: AbortSignal,
): Promise<LineText[]> {
  const { input, output } = line
  assertPlaceholders(output)
  const isEach = hasPlaceholder(output) || output === undefined
  const pattern = input.find((path) => isGlob(path, base))
  const found = async (path: string): Promise<string[]> => {
    const all = (await matches(path, base, made, signal)).filter(
      (match) => output === undefined || resolve(base, match) !== resolve(base, output),
    )
    if (all.length > 0) return all
    throw new FlagstoneError('BAD_OPTION', `nothing matches ${path}.`, { path })
  }
  if (!isEach || pattern === undefined) {
    const many = isEach && input.length > 1 && input.length > shape.maxInputs
    // a shell has expanded the pattern
    if (many || hasPlaceholder(output)) return input.map((path) => of(line, [path], path, dirname(path)))
    const lists = await Promise.all(
      input.map(async (path) => (isGlob(path, base) ? await found(path) : [path])),
    )
    return [{ ...line, input: lists.flat() }]
  }
  const folder = folderOf(pattern)
  const lines = (await found(pattern)).map((match) =>
    of(
      line,
      input.map((path) => (path === pattern ? match : filled(path, match, folder))),
      match,
      folder,
    ),
  )
  // other patterns stand for all their files, in each job
  const whole = lines.map(async (one) => {
    const lists = one.input.map(async (path) => (isGlob(path, base) ? await found(path) : [path]))
    return { ...one, input: (await Promise.all(lists)).flat() }
  })
  return Promise.all(whole)
}

const of = (line: LineText, input: readonly string[], match: string, folder: string): LineText => ({
  ...line,
  input,
  output: line.output === undefined ? undefined : filled(line.output, match, folder),
})

/** A path of a job as an absolute one. */
export const absolute = (base: string, path: string): string =>
  isAbsolute(path) ? normalize(path) : join(base, path)
