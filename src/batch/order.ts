// Which jobs wait for which.
//
// Invariants: no two jobs create one file, none creates a file that it reads, and a job that reads what another creates
// or changes waits for it.
import { FlagstoneError } from '../errors.js'
import { didYouMean } from '../store/nearest.js'
import type { CommandLine, LineText } from './commands.js'
import { ancestorsOf, type Paths } from './paths.js'
import { isUrl } from './patterns.js'

/** A job before it is known what it waits for. */
export interface Draft {
  readonly name: string
  /** The name of its pattern, which all its jobs have. */
  readonly group: string | undefined
  readonly text: LineText
  readonly line: CommandLine
  readonly place: string
  readonly asked: readonly string[]
}

export const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T]

export const bad = (message: string): FlagstoneError => new FlagstoneError('BAD_OPTION', message)

/** For each job the jobs it waits for. @throws BAD_OPTION */
export function orderOf(drafts: readonly Draft[], paths: Paths): Set<number>[] {
  const indexes = indexesByName(drafts)
  const needs = (name: string, place: string): readonly number[] => {
    const found = indexes.get(name)
    if (found !== undefined) return found
    throw bad(`${place}: needs: there is no job '${name}'${didYouMean(name, [...indexes.keys()])}.`)
  }
  const order = drafts.map(({ asked, place }) => new Set(asked.flatMap((name) => needs(name, place))))
  const makers = makersOf(drafts, paths)
  const readers = readersOf(drafts, paths)
  const wait = (reader: number, maker: number | undefined): void => {
    if (maker !== undefined && reader !== maker) order[reader]!.add(maker)
  }
  // a reader of a folder waits for what is created in it, a reader inside a folder for the folder
  for (const [real, maker] of makers)
    for (const path of [real, ...ancestorsOf(real)])
      for (const reader of readers.get(path) ?? []) wait(reader, maker)
  for (const [real, those] of readers)
    for (const folder of ancestorsOf(real)) for (const reader of those) wait(reader, makers.get(folder))
  orderChanges(drafts, paths, readers, order)
  return order
}

/** Which job creates a file, by its real path. @throws BAD_OPTION when two do, or one reads what it creates */
function makersOf(drafts: readonly Draft[], paths: Paths): Map<string, number> {
  const makers = new Map<string, number>()
  for (const [i, { line, place, text }] of drafts.entries())
    for (const path of [...list(line.output), ...line.alsoCreated]) {
      const real = paths.real(path)
      const other = makers.get(real)
      if (other !== undefined)
        throw bad(
          `${place}: ${path} is also created by ${drafts[other]!.name}; choose another name for one of them.`,
        )
      if (text.input.some((input) => paths.real(input) === real))
        throw bad(`${place}: ${path} is also an input of this job; choose another name for the output.`)
      makers.set(real, i)
    }
  return makers
}

/** Indexes of jobs by their names, and by the names of patterns. */
function indexesByName(drafts: readonly Draft[]): Map<string, number[]> {
  const indexes = new Map<string, number[]>()
  for (const [i, { name, group = name }] of drafts.entries())
    for (const one of new Set([name, group])) {
      const found = indexes.get(one)
      if (found === undefined) indexes.set(one, [i])
      else found.push(i)
    }
  return indexes
}

function readersOf(drafts: readonly Draft[], paths: Paths): Map<string, number[]> {
  const readers = new Map<string, number[]>()
  for (const [i, { line }] of drafts.entries())
    for (const path of [...line.inputs, ...line.maybeInputs, ...list(line.changes)]) {
      if (isUrl(path)) continue
      const real = paths.real(path.replace(/^@/, ''))
      readers.set(real, [...(readers.get(real) ?? []), i])
    }
  return readers
}

/** A job that changes a file waits for those before it that read or change it, and those after it wait for it. */
function orderChanges(
  drafts: readonly Draft[],
  paths: Paths,
  readers: ReadonlyMap<string, readonly number[]>,
  order: readonly Set<number>[],
): void {
  for (const [i, { line }] of drafts.entries()) {
    if (line.changes === undefined) continue
    for (const other of readers.get(paths.real(line.changes)) ?? []) {
      if (other < i) order[i]!.add(other)
      if (other > i) order[other]!.add(i)
    }
  }
}

/** @throws BAD_OPTION when jobs wait for each other */
export function refuseCircles(drafts: readonly Draft[], order: readonly ReadonlySet<number>[]): void {
  const waiting = order.map((needs) => needs.size)
  const followers = order.map((): number[] => [])
  for (const [i, needs] of order.entries()) for (const need of needs) followers[need]!.push(i)
  const ready = [...waiting.keys()].filter((i) => waiting[i] === 0)
  for (let i = ready.pop(); i !== undefined; i = ready.pop())
    for (const next of followers[i]!) if (--waiting[next]! === 0) ready.push(next)
  const stuck = drafts.filter((_, i) => waiting[i]! > 0)
  if (stuck.length === 0) return
  const names = stuck.slice(0, 3).map(({ name }) => `'${name}'`)
  throw bad(
    `${stuck[0]!.place}: these jobs wait for each other: ${names.join(', ')}${stuck.length > 3 ? ' …' : ''}; remove one of their needs.`,
  )
}
