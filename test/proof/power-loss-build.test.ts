// The power goes at every single operation on the tile file of a small build. Whatever the disk may then hold, with
// the checkpoint as it was, is resumed by the real build, and becomes the same tiles as an undisturbed one.
// One disk is tried for each operation in test:long, for every fourth otherwise (FLAGSTONE_IMAGES=all: every one that
// the model allows).

import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Capabilities } from '../../src/platform/byte-file.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { type BuildOptions, build } from '../../src/pyramid/build.js'
import { parseBuildOptions } from '../../src/pyramid/options.js'
import { Assembler } from '../../src/pyramid/output/assemble.js'
import { checkpointPath, writeCheckpoint } from '../../src/pyramid/output/checkpoint.js'
import { fingerprintOf } from '../../src/pyramid/output/fingerprint.js'
import { metadataOf } from '../../src/pyramid/output/metadata.js'
import { emptyTally } from '../../src/pyramid/output/tally.js'
import { type SubtreeUnit, unitsOf } from '../../src/pyramid/plan/forest.js'
import { planBuild } from '../../src/pyramid/plan/plan-build.js'
import { SourceSet } from '../../src/pyramid/sources/source-set.js'
import { InlinePool } from '../../src/pyramid/work/pool.js'
import type { SubtreeResult } from '../../src/pyramid/work/subtree.js'
import type { WriterOptions } from '../../src/store/options.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { FaultFile, SimulatedCrash } from '../helpers/fault-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { randomFrom } from '../helpers/random.js'
import { rounds } from '../helpers/rounds.js'
import { type ImageOptions, infoOf, openerOf, speckled, tilesOf } from '../pyramid/images.js'
import { expectSound } from '../store/model.js'

const SEED = Number(process.env['FLAGSTONE_TEST_SEED'] ?? Date.now() % 1_000_000_000)
const ALL = process.env['FLAGSTONE_IMAGES'] === 'all'
/** Of so many operations one is tried. */
const EVERY = rounds(4, 1)

/** Around a corner of four work units, with a hole, so that some tiles are WebP and some are missing. */
const image: ImageOptions = {
  zoom: 10,
  x: 512 * 256 - 300,
  y: 512 * 256 - 280,
  width: 590,
  height: 570,
  paint: speckled([[10, 10, 250, 200]]),
}
const openSource = openerOf(image)
const optionsFor = (out: string): BuildOptions => ({
  sources: ['image.tif'],
  out,
  zoom: [5, 10],
  resampling: 'nearest',
  quality: 40,
  threads: 0,
  commitEverySeconds: 0,
  name: 'small',
})

/** What is made of the image, once for all runs. */
async function subtreesOf(out: string): Promise<{ unit: SubtreeUnit; result: SubtreeResult }[]> {
  const plan = planBuild([infoOf(image)], parseBuildOptions(optionsFor(out)))
  const pool = new InlinePool(plan, {}, openSource)
  const results: { unit: SubtreeUnit; result: SubtreeResult }[] = []
  for (const unit of unitsOf(plan)) {
    if (unit.kind === 'subtree') results.push({ unit, result: await pool.build(unit) })
  }
  await pool.close()
  return results
}

/** The steps of build(), on a file that may fail. Calls back after each checkpoint. */
async function buildOn(
  file: FaultFile,
  out: string,
  subtrees: Awaited<ReturnType<typeof subtreesOf>>,
  hints: boolean,
  checkpointed: () => void,
): Promise<TileWriter> {
  const options = parseBuildOptions(optionsFor(out))
  const plan = planBuild([infoOf(image)], options)
  const fingerprint = fingerprintOf(plan, options)
  const start = { fingerprint, place: 'out', subtreesDone: 0, tally: emptyTally(), pending: [] } as const
  writeCheckpoint(out, start)
  checkpointed()
  const levels = plan.levels.map(({ zoom, tiles }) => ({ zoom, expectedTiles: tiles }))
  const common: WriterOptions = { dedupe: options.dedupe, commitBytes: 0 }
  const writer = TileWriter.create(
    file,
    hints ? { ...common, levels } : { ...common, initialRegionBytes: 24 },
  )
  writer.setMetadata(metadataOf(plan, options, fingerprint))
  writer.commit()
  const made = { dev: 0n, ino: 0n, size: 0n, mtimeNs: 0n }
  const output = { writer, path: out, made, replaces: undefined, start, resumed: false }
  const assembler = new Assembler(plan, options, output, () => SourceSet.of(plan, []))
  for (const { unit, result } of subtrees) {
    await assembler.add(unit, structuredClone(result))
    checkpointed()
  }
  await assembler.finish()
  writer.seal({ bounds: [...plan.bounds] })
  writer.close()
  return writer
}

interface Disk {
  readonly operation: number
  readonly at: string
  readonly file: Uint8Array
  readonly checkpoint: Buffer
}

const relocation = { insertRange: false, collapseRange: false }
const cases: [string, Partial<Capabilities>, boolean][] = [
  ['indexes laid out beforehand, as build does', {}, true],
  ['indexes that grow by insertion', {}, false],
  ['indexes that grow by relocation', relocation, false],
]

t.setTimeout(1_800_000)
for (const [name, capabilities, hints] of cases)
  t.test(`${name}${EVERY > 1 ? `, one operation of ${EVERY}` : ''} (seed ${SEED})`, async (t) => {
    const directory = t.testdir()
    const reference = join(directory, 'reference.pmtiles')
    await build(optionsFor(reference), { openSource })
    const expected = JSON.stringify(tilesOf(reference))
    const out = join(directory, 'out.pmtiles')
    const subtrees = await subtreesOf(out)
    t.ok(subtrees.length >= 4, `${subtrees.length} subtrees, ${Object.keys(tilesOf(reference)).length} tiles`)

    const disks = new Map<string, Disk>()
    const keep = (disk: Disk): void => {
      const key = createHash('sha1').update(disk.file).update(disk.checkpoint).digest('hex')
      if (!disks.has(key)) disks.set(key, disk)
    }
    const undisturbed = new FaultFile(new MemoryFile({ capabilities }))
    await buildOn(undisturbed, out, subtrees, hints, () => {})
    const { operations } = undisturbed
    const step = ALL ? 1 : EVERY
    for (let n = SEED % step; n <= operations; n += step) {
      const file = new FaultFile(new MemoryFile({ capabilities }))
      file.crashAt(n)
      let before: Buffer | undefined
      let checkpoint!: Buffer
      let checkpointedAt = -1
      const checkpointed = (): void => {
        before = checkpoint
        checkpoint = readFileSync(checkpointPath(out))
        checkpointedAt = file.operations
      }
      try {
        await buildOn(file, out, subtrees, hints, checkpointed)
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error
      }
      for (const [i, crashed] of file.crashImages(2, n).entries()) {
        keep({ operation: n, at: `operation ${n}, image ${i}`, file: crashed.bytes(), checkpoint })
        // It may have gone while the checkpoint was being replaced.
        if (before !== undefined && checkpointedAt === n && i === 0)
          keep({
            operation: n,
            at: `operation ${n}, before the checkpoint`,
            file: crashed.bytes(),
            checkpoint: before,
          })
      }
    }
    rmSync(checkpointPath(out), { force: true })

    const random = randomFrom(SEED)
    const chosen = [...disks.values()].map((disk) => ({ disk, order: random() }))
    chosen.sort((one, other) => one.order - other.order)
    const operationsTried = new Set<number>()
    const tried = chosen.filter(({ disk }) => {
      if (!ALL && operationsTried.has(disk.operation)) return false
      operationsTried.add(disk.operation)
      return true
    })
    for (const { disk } of tried) {
      writeFileSync(out, disk.file)
      writeFileSync(checkpointPath(out), disk.checkpoint)
      try {
        await build({ ...optionsFor(out), resume: true }, { openSource })
        if (JSON.stringify(tilesOf(out)) !== expected) throw new Error('other tiles')
        const file = openRealFile(out, 'read')
        expectSound(verify(file))
        const reader = FlatReader.open(openRealFile(out, 'read'))
        if (!reader.sealed) throw new Error('not sealed')
        reader.close()
        file.close()
      } catch (error) {
        t.fail(`${disk.at} of ${operations}: ${(error as Error).stack}`)
      }
      rmSync(out, { force: true })
      rmSync(checkpointPath(out), { force: true })
    }
    t.comment(`${operations} operations, ${disks.size} different disks, ${tried.length} resumed`)
    t.ok(
      tried.length > operations / EVERY / 3,
      'an operation without a disk of its own leaves what the one before left',
    )
  })
