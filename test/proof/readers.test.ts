// Readers in other processes hammer a file while a writer grows it, both ways: never a wrong byte, never a
// committed tile missing, never a crash. (FLAGSTONE_SECONDS: how long each way.)
import { join } from 'node:path'
import t, { type t as tap } from 'tap'
import { openRealFile } from '../../src/platform/real-file.js'
import { verify } from '../../src/store/report/verify.js'
import { mountFor } from '../helpers/mounts.js'
import { startChild } from '../helpers/processes.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { expectSound } from '../store/model.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const LONG = 10
const SECONDS = rounds(3, LONG, 'FLAGSTONE_SECONDS')

const READERS = [
  ['mmap', 'first'],
  ['mmap', 'never'],
  ['buffered', 'first'],
  ['buffered', 'always'],
] as const

async function hammer(t: typeof tap, path: string, growth: string): Promise<void> {
  const writer = startChild(new URL('./readers-writer.js', import.meta.url), [path, SEED, growth, SECONDS])
  await writer.line('created')
  const readers = READERS.map(([mode, check], i) =>
    startChild(new URL('./readers-reader.js', import.meta.url), [path, SEED + i, SECONDS, mode, check]),
  )
  const ends = await Promise.all([writer, ...readers].map((child) => child.end({ seconds: 900 })))
  for (const [i, child] of [writer, ...readers].entries()) {
    const who = i === 0 ? 'writer' : `reader ${READERS[i - 1]!.join(' ')}`
    t.same(ends[i], { code: 0, signal: null }, `${who} ${child.stderr}`)
    t.comment(`${who}: ${child.lines.at(-1)}`)
  }
  const total = JSON.parse(writer.lines.at(-1)?.replace('total ', '') ?? '{}') as Record<string, number>
  const moves = total['inserts']! + total['relocations']! + total['merges']!
  t.ok(moves > 20, `the indexes moved ${moves} times`)
  t.ok(total[growth === 'insert' ? 'inserts' : 'relocations']! > 3, `by ${growth}`)
  for (const child of readers) {
    const { hits } = JSON.parse(child.lines.at(-1)?.replace('total ', '') ?? '{"hits":0}') as { hits: number }
    t.ok(hits > 1000, `${hits} tiles read`)
  }
  const file = openRealFile(path, 'read')
  expectSound(verify(file))
  file.close()
}

t.setTimeout(1_800_000)
for (const growth of ['insert', 'relocate'] as const)
  t.test(`${growth}, ${SECONDS} s (seed ${SEED}${ofLong(LONG)})`, async (t) => {
    await hammer(t as typeof tap, join(t.testdir(), 'file.pmtiles'), growth)
  })

t.test(`insert on xfs, ${SECONDS} s (seed ${SEED}${ofLong(LONG)})`, async (t) => {
  const mount = mountFor(t, 'xfs', { mib: 512 })
  if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
  return hammer(t as typeof tap, join(mount.directory, 'file.pmtiles'), 'insert')
})
