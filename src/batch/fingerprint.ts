// Tells whether a job's inputs, options and output are those of an earlier run.
import { createHash, type Hash } from 'node:crypto'
import { lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expandInputs } from '../pyramid/sources/inputs.js'
import { isSourceList } from '../pyramid/sources/list/list.js'
import { absolute, isUrl } from './patterns.js'
import type { PlannedJob } from './plan.js'

const FILES_A_TURN = 500
const PASSING = /\.(state|build|new|tmp|flagstone-part)$/

/** A file's size, time and number as one text; undefined when nothing is there. */
export function stateOf(path: string): string | undefined {
  try {
    const { size, mtimeNs, ino } = statSync(path, { bigint: true })
    return `${size} ${mtimeNs} ${ino}`
  } catch {
    return undefined
  }
}

/** Of a job's command line and of all files that it reads, also those in its folders and lists. */
export async function fingerprintOf({ line, command, output }: PlannedJob, base: string): Promise<string> {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([command, line.effect]))
  for (const input of [...line.inputs, ...line.maybeInputs]) {
    if (isUrl(input)) continue
    const paths = await pathsOf(input, base)
    for (const path of paths)
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
        await addFolder(path, output, hash)
      else hash.update(`${stateOf(path)}\n`)
  }
  return hash.digest('hex').slice(0, 32)
}

/** A file, or a list of sources with the files that it names. */
async function pathsOf(input: string, base: string): Promise<string[]> {
  const isText = input.startsWith('@')
  const path = absolute(base, isText ? input.slice(1) : input)
  if (!isText && !isSourceList(path)) return [path]
  // what is named like a list need not be one: a cutline
  const named = await expandInputs([isText ? `@${path}` : path], { out: '', keep: 'first' }).catch(() => [])
  return [path, ...named]
}

/** The files of a folder. Those that come and go while jobs run are left out, and so is the job's own output. */
async function addFolder(folder: string, output: string | undefined, hash: Hash): Promise<void> {
  const names = (readdirSync(folder, { recursive: true }) as string[]).sort()
  for (const [i, name] of names.entries()) {
    // a folder may have a million tiles
    if (i % FILES_A_TURN === 0) await setImmediate()
    const path = join(folder, name)
    if (PASSING.test(name) || path === output) continue
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined || stat.isDirectory()) continue
    hash.update(`${name} ${stat.size} ${stat.mtimeNs} ${stat.ino}\n`)
  }
}
