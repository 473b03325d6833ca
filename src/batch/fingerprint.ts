// Tells whether a job's inputs, options and output are those of an earlier run.
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { expandInputs } from '../pyramid/sources/inputs.js'
import { absolute, isUrl } from './patterns.js'
import type { PlannedJob } from './plan.js'

const FILES_A_TURN = 500

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
export async function fingerprintOf({ line, command }: PlannedJob, base: string): Promise<string> {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([command, line.effect]))
  for (const input of [...line.inputs, ...line.maybeInputs]) {
    if (isUrl(input)) continue
    const paths = input.startsWith('@')
      ? await listed(absolute(base, input.slice(1)))
      : [absolute(base, input)]
    for (const path of paths) await addPath(path, hash)
  }
  return hash.digest('hex').slice(0, 32)
}

async function listed(list: string): Promise<string[]> {
  const named = await expandInputs([`@${list}`], { out: '', keep: 'first' }).catch(() => [])
  return [list, ...named]
}

interface Hash {
  update(text: string): unknown
}

async function addPath(path: string, hash: Hash): Promise<void> {
  hash.update(`${stateOf(path)}\n`)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return
  const names = (readdirSync(path, { recursive: true }) as string[]).sort()
  for (const [i, name] of names.entries()) {
    // a folder may have a million tiles
    if (i % FILES_A_TURN === 0) await setImmediate()
    const { size, mtimeNs, ino } = lstatSync(`${path}/${name}`, { bigint: true, throwIfNoEntry: false }) ?? {}
    hash.update(`${name} ${size} ${mtimeNs} ${ino}\n`)
  }
}
