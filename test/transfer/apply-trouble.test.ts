// An apply that is killed, or runs out of disk, leaves the tiles as before or as afterwards, and can be repeated.
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { FlagstoneError } from '../../src/errors.js'
import { apply, diff, digest, open, type TileDifference, verify } from '../../src/index.js'
import { makeFlat, pngLike } from '../helpers/archives.js'
import { startChild } from '../helpers/processes.js'
import { integersFrom } from '../helpers/random.js'
import { changedTiles, placed, randomTiles } from '../helpers/random-archives.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { fullDisk, onEveryCall } from './failing-calls.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000)

interface World {
  /** As before; it is copied for every round. */
  readonly original: string
  readonly file: string
  readonly patch: string
  readonly undo: string
  readonly before: string
  readonly after: string
  /** Number of calls that change the file, in an apply that nothing disturbs; with a reader of it, and without. */
  readonly calls: { readonly watched: number; readonly alone: number }
}

/** So many tiles that indexes grow and tails are merged. */
async function makeWorld(folder: string): Promise<World> {
  const at = (name: string): string => join(folder, name)
  const tiles = randomTiles(SEED, 800)
  const original = makeFlat(at('a.pmtiles'), placed(tiles), { name: 'before' })
  const changed = changedTiles(tiles, SEED + 1).set(0, pngLike(12_345))
  const other = makeFlat(at('b.pmtiles'), placed(changed), { name: 'after' })
  const [file, patch, undo] = [at('file.pmtiles'), at('p.patch'), at('u.patch')]
  const { before, after } = await diff({ before: original, after: other, patch })
  const count = async (): Promise<number> => {
    let calls = 0
    const stop = onEveryCall(file, () => calls++)
    await apply({ file, patch })
    stop()
    return calls
  }
  copyFileSync(original, file)
  const alone = await count()
  copyFileSync(original, file)
  const reader = open(file)
  const watched = await count()
  reader.close()
  const digests = { before: before.digest, after: after.digest }
  return { original, file, patch, undo, ...digests, calls: { watched, alone } }
}

let world: World
t.before(async () => {
  world = await makeWorld(t.testdir({}))
})

/** As before the first apply. */
function startAgain(): void {
  copyFileSync(world.original, world.file)
  rmSync(world.undo, { force: true })
}

/** Tiles, metadata and all checks are those of one of the two states; its digest. */
async function stateOf(t: Test, when: string): Promise<string> {
  const { file, before, after } = world
  const { digest: now } = await digest(file)
  if (now !== before && now !== after) t.fail(`${when}: neither as before nor as afterwards`)
  const reader = open(file)
  const { name } = reader.metadata()
  reader.close()
  if (name !== (now === before ? 'before' : 'after')) t.fail(`${when}: the metadata are not of these tiles`)
  const { ok, findings } = await verify(file)
  if (!ok)
    t.same(
      findings.filter((one) => !one.ok),
      [],
      when,
    )
  return now
}

/** Applying again completes it, and the other patch takes it back. */
async function repeat(t: Test, when: string): Promise<void> {
  const { file, patch, undo, before, after } = world
  const { outcome } = await apply({ file, patch, undo })
  if ((await stateOf(t, when)) !== after) t.fail(`${when}: ${outcome} without effect`)
  const reader = open(file)
  if (reader.kind !== 'flat' || !reader.sealed) t.fail(`${when}: not sealed`)
  reader.close()
  if (!existsSync(undo)) return
  await apply({ file, patch: undo })
  if ((await stateOf(t, when)) !== before) t.fail(`${when}: not taken back`)
}

const CHILD = new URL('./apply-child.js', import.meta.url)
const KILLS = rounds(3, 400, 'FLAGSTONE_PATCH_ROUNDS')

t.test(`killed at any call${ofLong(400)} (seed ${SEED})`, async (t) => {
  const { file, patch, undo, before } = world
  const calls = world.calls.watched
  t.ok(calls > 10, `${calls} calls`)
  const below = integersFrom(SEED)
  let early = 0
  for (let round = 0; round < KILLS; round++) {
    startAgain()
    const reader = open(file)
    // the last calls are those of the commit and the seal
    const last = round % 2 === 0 ? below(calls) : calls - 1 - below(Math.min(calls, 12))
    const child = startChild(CHILD, [file, patch, undo, last])
    const { signal } = await child.end({ seconds: 600 })
    t.equal(signal, 'SIGKILL', `call ${last} of ${calls}: ${child.stderr}`)
    const now = await stateOf(t, `killed at call ${last}`)
    if (now === before) early++
    t.equal(
      reader.metadata()['name'],
      now === before ? 'before' : 'after',
      'a reader that was open sees the same',
    )
    reader.close()
    await repeat(t, `killed at call ${last}`)
  }
  t.comment(`${early} of ${KILLS} before the commit`)
  t.end()
})

const MOMENTS = rounds(2, 200, 'FLAGSTONE_PATCH_ROUNDS')

t.test(`killed at any moment${ofLong(200)} (seed ${SEED})`, async (t) => {
  const { file, patch, undo } = world
  const below = integersFrom(SEED + 2)
  for (let round = 0; round < MOMENTS; round++) {
    startAgain()
    const child = startChild(CHILD, [file, patch, undo, 'never'])
    await child.line('ready')
    await child.spend(below(40) * 10)
    child.kill()
    const { code, signal } = await child.end({ seconds: 600 })
    t.ok(signal === 'SIGKILL' || code === 0, `${signal} ${code} ${child.stderr}`)
    await stateOf(t, 'killed')
    await repeat(t, 'killed')
  }
  t.end()
})

t.test('a reader sees all of the patch or nothing of it', async (t) => {
  const { original, file, patch, undo } = world
  startAgain()
  const changed: TileDifference[] = []
  const other = patch.replace('p.patch', 'b.pmtiles')
  await diff({ before: original, after: other }, { onDifference: (one) => changed.push(one) })
  const [old, now, reader] = [open(original), open(other), open(file, { busyTimeoutMs: 60_000 })]
  const child = startChild(CHILD, [file, patch, undo, 'never'])
  let isOver = false
  void child.ended.then(() => {
    isOver = true
  })
  let [looks, mixed, isNew] = [0, 0, false]
  for (let at = 0; !isOver || looks % changed.length !== 0; at = (at + 1) % changed.length, looks++) {
    const { z, x, y } = changed[at]!
    const etag = reader.get(z, x, y)?.etag
    if (etag === now.get(z, x, y)?.etag) isNew = true
    else if (isNew || etag !== old.get(z, x, y)?.etag) mixed++
    if (looks % 50 === 0) await setImmediate()
  }
  t.same(await child.end(), { code: 0, signal: null }, child.stderr)
  t.equal(mixed, 0, `in ${looks} looks`)
  t.ok(isNew && reader.sealed)
  for (const one of [old, now, reader]) one.close()
  t.end()
})

const FULL = rounds(4, 400, 'FLAGSTONE_PATCH_ROUNDS')

t.test(`the disk is full at any call${ofLong(400)} (seed ${SEED})`, async (t) => {
  const { file, patch, undo, before } = world
  const calls = world.calls.alone
  const below = integersFrom(SEED)
  for (let round = 0; round < FULL; round++) {
    startAgain()
    const from = below(calls)
    // for this moment only, or for good
    const howLong = round % 2 === 0 ? 1 : Number.POSITIVE_INFINITY
    const when = `full at call ${from} of ${calls} for ${howLong}`
    const stop = fullDisk(file, from, howLong)
    const error = await apply({ file, patch, undo }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    stop()
    if (error !== undefined && (error as FlagstoneError).code !== 'DISK_FULL') throw error
    const now = await stateOf(t, when)
    if (error === undefined) t.not(now, before, `${when}: it found a way`)
    else if (now === before && howLong === 1) {
      const reader = open(file)
      t.ok(reader.kind === 'flat' && reader.sealed, `${when}: sealed again`)
      reader.close()
    } else t.pass(when)
    await repeat(t, when)
  }
  t.end()
})

t.test('interrupted while it changes the file: as before, and sealed again', async (t) => {
  const { file, patch, undo, before } = world
  startAgain()
  const controller = new AbortController()
  const stop = onEveryCall(file, () => controller.abort())
  const phases: string[] = []
  const context = {
    signal: controller.signal,
    onProgress: ({ phase }: { phase: string }) => phases.push(phase),
  }
  await t.rejects(apply({ file, patch }, context), { code: 'INTERRUPTED', message: /are as before/ })
  stop()
  t.equal(await stateOf(t, 'interrupted'), before)
  const reader = open(file)
  t.ok(reader.kind === 'flat' && reader.sealed, 'sealed again')
  reader.close()
  t.notOk(phases.includes('finish') || phases.includes('done'))
  await repeat(t, 'interrupted')
  await apply({ file, patch, undo }, { onProgress: ({ phase }) => phases.push(phase) })
  t.same(phases.slice(-2), ['finish', 'done'])
  t.end()
})
