// Full disks, real ones: one clear sentence, what was committed is intact, nobody dies, and when there is space again
// it goes on.
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type t as tap } from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { tileIdToZxy, zoomBase } from '../../src/format/tile-id.js'
import { FALLOC } from '../../src/platform/byte-file.js'
import { fallocate } from '../../src/platform/fallocate.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { syncDirectory } from '../../src/platform/rename.js'
import { build } from '../../src/pyramid/build.js'
import type { WriterOptions } from '../../src/store/options.js'
import { createTiles, reopenTiles } from '../../src/store/paths.js'
import { FlatReader } from '../../src/store/read/reader.js'
import { verify } from '../../src/store/report/verify.js'
import type { TileWriter } from '../../src/store/write/writer.js'
import { flagstone } from '../helpers/command.js'
import { type FileSystemName, mountFor, remount } from '../helpers/mounts.js'
import { fixture } from '../helpers/paths.js'
import { openPeer } from '../helpers/peer.js'
import { startChild } from '../helpers/processes.js'
import { ofLong, rounds } from '../helpers/rounds.js'
import { sameBytes } from '../helpers/same-bytes.js'
import { expectSound } from '../store/model.js'
import { smallBuild, tilesOf } from './small-build.js'
import { provenValue, versionOf } from './values.js'

const MIB = 2 ** 20
const OPTIONS: WriterOptions = { initialRegionBytes: 24, stagingBytes: 65536, commitBytes: 0 }
/** What is left to be filled by a writer, MiB. */
const LONG_MIB = 4
const LEFT_MIB = rounds(1, LONG_MIB)
/** Their directories are leaves. */
const SEALED_TILES = 12_000
/** The smallest that each can be made, MiB. */
const DISKS: [FileSystemName, number][] = [
  ['ext4', 16],
  ['ext2', 16],
  ['tmpfs', 16],
  ['xfs', 320],
  ['btrfs', 128],
]

/** Fills the disk but for about `leave` bytes; returns the ballast's path. */
function fill(directory: string, leave: number): string {
  // What was deleted becomes free with the journal.
  syncDirectory(directory)
  const path = join(directory, 'ballast')
  const fd = openSync(path, 'w')
  const free = (): number => statfsSync(directory).bavail * statfsSync(directory).bsize
  try {
    if (free() > leave) fallocate(fd, FALLOC.ALLOCATE, 0, Math.ceil(free() - leave))
  } catch {
    // no such call, or fuller than statfs said it could be
  }
  const chunk = Buffer.alloc(256 * 1024, 1)
  try {
    for (let at = fstatSync(fd).size; free() > leave; at += chunk.length)
      writeSync(fd, chunk, 0, Math.min(chunk.length, Math.ceil(free() - leave)), at)
  } catch {
    // so much the better: nothing was to be left
  }
  closeSync(fd)
  return path
}

function failureOf(work: () => void): FlagstoneError {
  try {
    work()
  } catch (error) {
    if (error instanceof FlagstoneError) return error
    throw error
  }
  throw new Error('the disk is full, and nothing was said')
}

function expectDiskFull(t: typeof tap, error: FlagstoneError, path: string): void {
  t.match(error, { code: 'DISK_FULL', errno: /ENOSPC|EDQUOT/, path })
  t.match(
    error.message,
    /^[^\n]*: the disk is full; free some space and try again \([^\n]*\)\.$/,
    error.message,
  )
}

/** What a file holds, key by key: each value proves itself; the file verifies. */
function contentsOf(path: string, most = 400): Map<number, number> {
  const found = new Map<number, number>()
  for (const mode of ['mmap', 'buffered'] as const) {
    const reader = FlatReader.open(openRealFile(path, 'read'), { mode })
    for (const { z, x, y, id } of reader.tiles())
      found.set(id, versionOf(id, reader.get(z, x, y)!.bytes, most))
    reader.close()
  }
  const file = openRealFile(path, 'read')
  expectSound(verify(file))
  file.close()
  return found
}

/** Appends one tile after another and commits every so many, until it fails. */
class Feeder {
  next = 0
  committed = 0
  readonly #every: number
  readonly #most: number
  constructor(every: number, most: number) {
    this.#every = every
    this.#most = most
  }
  key(n: number): number {
    return zoomBase(10 + (n % 3)) + Math.floor(n / 3)
  }
  append(writer: TileWriter): void {
    const key = this.key(this.next)
    writer.append(...tileIdToZxy(key), provenValue(key, this.next, this.#most))
    this.next++
    if (this.next % this.#every === 0) this.commit(writer)
  }
  commit(writer: TileWriter): void {
    writer.commit()
    this.committed = this.next
  }
  /** All of the first `n`, and nothing else. */
  expected(n: number): Map<number, number> {
    return new Map(Array.from({ length: n }, (_, i) => [this.key(i), i]))
  }
}

function sameContents(found: Map<number, number>, expected: Map<number, number>): boolean {
  return found.size === expected.size && [...expected].every(([key, version]) => found.get(key) === version)
}

t.setTimeout(1_800_000)
for (const [name, mib] of DISKS) {
  // Big values, so that values fill the disk; tiny ones, so that indexes do.
  const kinds = [
    ['values', 20_000, 50, 'auto', 'keep'],
    ['values past the page cache', 20_000, 50, 'auto', 'drop'],
    ['indexes', 1, 5000, 'auto', 'keep'],
    ['relocated indexes', 1, 5000, 'relocate', 'keep'],
  ] as const
  for (const [kind, most, every, growth, cache] of name === 'ext4' || name === 'tmpfs'
    ? kinds
    : kinds.slice(0, 2))
    t.test(`${kind} until the last ${LEFT_MIB} MiB of ${name} are full${ofLong(LONG_MIB)}`, async (t) => {
      const mount = mountFor(t, name, { mib })
      if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
      const path = join(mount.directory, 'file.pmtiles')
      const ballast = join(mount.directory, 'spare')
      const spare = openSync(ballast, 'w')
      writeSync(spare, Buffer.alloc(MIB, 3))
      closeSync(spare)
      const feeder = new Feeder(every, most)
      const writer = createTiles(path, { ...OPTIONS, growth, cache })
      const reader = FlatReader.open(openRealFile(path, 'read'))
      while (feeder.committed === 0) feeder.append(writer)
      fill(mount.directory, LEFT_MIB * MIB)
      const error = failureOf(() => {
        for (;;) feeder.append(writer)
      })
      expectDiskFull(t as typeof tap, error, path)
      const committed = feeder.committed
      t.ok(committed >= every, `${kind}: ${committed} tiles committed before`)
      // A reader that has been there all the time, through its mapping.
      for (let n = 0; n < committed; n += 7) {
        const key = feeder.key(n)
        const tile = reader.get(...tileIdToZxy(key))
        if (tile === undefined || versionOf(key, tile.bytes, most) !== n) t.fail(`${key} is not what it was`)
      }
      // Again while it is full: again a sentence, or it fits.
      const again = ((): FlagstoneError | undefined => {
        try {
          writer.commit()
          return undefined
        } catch (second) {
          if (second instanceof FlagstoneError) return second
          throw second
        }
      })()
      if (again === undefined) feeder.committed = feeder.next
      else t.ok(again.code === 'DISK_FULL' || again.code === 'SYSTEM', again.message)
      writer.abandon()
      const found = contentsOf(path, most)
      // A commit that failed in its very last step may have got through, whole.
      t.ok(
        sameContents(found, feeder.expected(feeder.committed)) ||
          sameContents(found, feeder.expected(feeder.next)),
        `${kind}: ${found.size} tiles there, ${feeder.committed} committed, ${feeder.next} appended`,
      )
      // Space again: the next writer goes on where it stopped.
      unlinkSync(ballast)
      unlinkSync(join(mount.directory, 'ballast'))
      syncDirectory(mount.directory)
      const next = reopenTiles(path, { ...OPTIONS, growth, cache })
      feeder.next = found.size
      for (let i = 0; i < 2 * every; i++) feeder.append(next)
      feeder.commit(next)
      next.seal()
      next.close()
      t.ok(feeder.next > found.size)
      t.ok(sameContents(contentsOf(path, most), feeder.expected(feeder.next)), 'it went on')
      sameBytes(t, reader.get(...tileIdToZxy(feeder.key(0)))?.bytes, provenValue(feeder.key(0), 0, most))
      reader.close()
      return undefined
    })

  t.test(`the same writer goes on when ${name} has space again`, (t) => {
    const mount = mountFor(t, name, { mib })
    if (typeof mount === 'string') {
      t.comment(`skipped: ${mount}`)
      return t.end()
    }
    const path = join(mount.directory, 'file.pmtiles')
    const feeder = new Feeder(100, 5000)
    const writer = createTiles(path, OPTIONS)
    for (let i = 0; i < 300; i++) feeder.append(writer)
    const ballast = fill(mount.directory, 0)
    const error = failureOf(() => {
      for (;;) feeder.append(writer)
    })
    expectDiskFull(t as typeof tap, error, path)
    unlinkSync(ballast)
    let writerNow = writer
    try {
      writer.commit()
      feeder.committed = feeder.next
    } catch (second) {
      // After a sync that failed nobody knows what is on the disk: it says so, and a new one goes on.
      t.match(second, { code: 'SYSTEM', message: /close it and open the file again/ })
      writer.abandon()
      writerNow = reopenTiles(path, OPTIONS)
      feeder.next = contentsOf(path, 5000).size
      t.ok(feeder.next >= feeder.committed)
    }
    for (let i = 0; i < 200; i++) feeder.append(writerNow)
    feeder.commit(writerNow)
    writerNow.seal()
    writerNow.close()
    t.ok(sameContents(contentsOf(path, 5000), feeder.expected(feeder.next)), `${feeder.next} tiles`)
    return t.end()
  })

  t.test(`sealing when ${name} is full`, async (t) => {
    const mount = mountFor(t, name, { mib })
    if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
    const path = join(mount.directory, 'file.pmtiles')
    const feeder = new Feeder(1000, 50)
    const writer = createTiles(path, OPTIONS)
    while (feeder.next < SEALED_TILES) feeder.append(writer)
    feeder.commit(writer)
    const ballast = fill(mount.directory, 0)
    let error: FlagstoneError | undefined
    try {
      writer.seal()
    } catch (failure) {
      if (!(failure instanceof FlagstoneError)) throw failure
      error = failure
    }
    // Some file systems find a few blocks more.
    if (error !== undefined) expectDiskFull(t as typeof tap, error, path)
    else t.comment(`${name} had room for the directories`)
    writer.abandon()
    t.ok(sameContents(contentsOf(path, 50), feeder.expected(SEALED_TILES)), 'all is there')
    unlinkSync(ballast)
    const next = reopenTiles(path, OPTIONS)
    next.seal()
    next.close()
    t.ok(sameContents(contentsOf(path, 50), feeder.expected(SEALED_TILES)))
    const peer = openPeer(path)
    for (let n = 0; n < SEALED_TILES; n += 101) {
      const key = feeder.key(n)
      t.equal(versionOf(key, (await peer.get(...tileIdToZxy(key)))!, 50), n)
    }
    peer.close()
    return undefined
  })
}

t.test('a file system that was made read-only', (t) => {
  const mount = mountFor(t, 'ext4', { mib: 16 })
  if (typeof mount === 'string') {
    t.comment(`skipped: ${mount}`)
    return t.end()
  }
  const path = join(mount.directory, 'file.pmtiles')
  const feeder = new Feeder(100, 500)
  const writer = createTiles(path, OPTIONS)
  for (let i = 0; i < 250; i++) feeder.append(writer)
  feeder.commit(writer)
  writer.close()
  remount(mount.mountPoint, 'ro')
  t.ok(sameContents(contentsOf(path, 500), feeder.expected(250)), 'reading goes on')
  for (const work of [() => reopenTiles(path), () => createTiles(join(mount.directory, 'new'))])
    t.match(failureOf(work), { code: 'SYSTEM', errno: 'EROFS', message: /mounted read-only/ })
  return t.end()
})

let undisturbed: Map<number, string> | undefined
/** The tiles of the small build, made once. */
async function undisturbedTiles(directory: string): Promise<Map<number, string>> {
  if (undisturbed === undefined) {
    const reference = join(directory, 'reference.pmtiles')
    await build({ ...smallBuild(reference), threads: 0 })
    undisturbed = tilesOf(reference)
  }
  return undisturbed
}

for (const name of ['ext4', 'tmpfs'] as const)
  t.test(`a build on a full ${name}, resumed`, async (t) => {
    const mount = mountFor(t, name, { mib: 16 })
    if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
    const expected = await undisturbedTiles(t.testdir())
    // The library, which commits after each subtree: some are safe when the disk is full.
    const out = join(mount.directory, 'out.pmtiles')
    const ballast = fill(mount.directory, 0.7 * MIB)
    const child = startChild(new URL('./build-child.js', import.meta.url), [out, 'fresh'])
    t.same(await child.end({ seconds: 900 }), { code: 1, signal: null })
    t.match(child.stderr, /^DISK_FULL: [^\n]*the disk is full[^\n]*--resume[^\n]*\n$/)
    unlinkSync(ballast)
    if (existsSync(out)) {
      const report = await build({ ...smallBuild(out), threads: 0, resume: true })
      t.comment(`resumed: ${report.resumed}`)
    } else await build({ ...smallBuild(out), threads: 0 })
    t.ok(sameTiles(tilesOf(out), expected))
    t.same(readdirSync(mount.directory), ['out.pmtiles'])
    return undefined
  })

const REFUSED = /needs about .* has only .* free: /
for (const [name, leaves, complaint] of [
  // Refused before it begins.
  ['ext4', [0, 0.3 * MIB], REFUSED],
  // A quarter less than the estimate: it begins, and fails on its way.
  ['ext4', [0.63 * MIB], /disk is full/],
  ['tmpfs', [0.63 * MIB], /disk is full/],
] as const)
  t.test(`the command on ${name} with ${leaves.join(', then ')} bytes left`, async (t) => {
    const mount = mountFor(t, name, { mib: 16 })
    if (typeof mount === 'string') return t.comment(`skipped: ${mount}`)
    const out = join(mount.directory, 'out.pmtiles')
    const command = ['build', fixture('ortho.tif'), out, '-r', 'nearest', '-q']
    for (const leave of leaves) {
      const ballast = fill(mount.directory, leave)
      const first = await flagstone(...command)
      t.equal(first.code, 1, 'exit code 1')
      t.match(first.stderr, complaint)
      t.equal(first.stderr.trim().split('\n').length, 1, first.stderr)
      t.equal(first.stdout, '')
      unlinkSync(ballast)
    }
    const resume = existsSync(out) || existsSync(`${out}.build`) ? ['--resume'] : []
    const second = await flagstone(...command, ...resume)
    t.equal(second.code, 0, second.stderr)
    const file = openRealFile(out, 'read')
    expectSound(verify(file))
    file.close()
    t.same(readdirSync(mount.directory), ['out.pmtiles'])
    return undefined
  })

function sameTiles(found: Map<number, string>, expected: Map<number, string>): boolean {
  return found.size === expected.size && [...expected].every(([key, tile]) => found.get(key) === tile)
}
