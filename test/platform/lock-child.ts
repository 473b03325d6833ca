// A process that holds locks, for locks.test.ts and mmap.test.ts.
import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { openRealFile } from '../../src/platform/real-file.js'

const [what, path] = process.argv.slice(2) as [string, string]
const collect = (globalThis as { gc?: () => void }).gc

/** How often a file is mapped into this process. */
const mappings = (): number =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(path)).length

async function collected(done: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !done(); i++) {
    collect?.()
    await turn()
  }
}

function hold(): void {
  const file = openRealFile(path, 'readwrite')
  if (!file.tryLock('writer', 'exclusive') || !file.tryLock('pin', 'shared')) throw new Error('not to be had')
  console.log('held')
  setInterval(() => {}, 1000)
}

async function mapping(): Promise<void> {
  const file = openRealFile(path, 'create')
  file.write(new Uint8Array(65536).fill(42), 0)
  file.tryLock('pin', 'shared')
  file.tryLock('writer', 'exclusive')
  const keep = { view: new Uint8Array(file.map(0, 65536)!, 100, 10) as Uint8Array | undefined }
  file.close()
  await collected(() => false)
  const other = openRealFile(path, 'readwrite')
  const state = (name: 'pin' | 'writer'): string => {
    const free = other.tryLock(name, 'exclusive')
    if (free) other.unlock(name)
    return free ? 'free' : 'held'
  }
  console.log(`pin with a view: ${state('pin')}`)
  console.log(`writer with a view: ${state('writer')}`)
  console.log(`bytes through the view: ${keep.view![3]}`)
  keep.view = undefined
  await collected(() => mappings() === 0)
  console.log(`pin without a view: ${state('pin')}`)
  console.log(`mapped without a view: ${mappings()}`)
}

/** Many mappings, each dropped; they must not pile up, and one that is kept must stay. */
async function many(): Promise<void> {
  const file = openRealFile(path, 'create')
  file.write(new Uint8Array(65536 * 4).fill(7), 0)
  const kept = new Uint8Array(file.map(65536, 65536)!)
  for (let i = 0; i < 100; i++) new Uint8Array(file.map(0, 65536 * 2)!)[0]
  console.log(`mapped: ${mappings() > 50 ? 'many' : mappings()}`)
  await collected(() => mappings() === 1)
  console.log(`mapped after collection: ${mappings()}`)
  file.close()
  await collected(() => false)
  console.log(`kept: ${kept[65535]}`)
}

if (what === 'hold') hold()
else if (what === 'mapping') await mapping()
else await many()
