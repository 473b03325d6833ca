// The disk itself: how fast it takes one long write, and how to give a bench a quiet start.
import { spawnSync } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { allocateAligned } from '../../src/platform/direct.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { randomBytes } from './workload.js'

const PIECE_BYTES = 4 * 1024 * 1024

/** Waits until what earlier rounds wrote is on the disk, so that nobody pays for somebody else. */
export function settle(dir: string): void {
  spawnSync('sync', ['-f', dir])
}

/** Takes a file's (clean) pages out of the page cache; false where that cannot be done. */
export function dropCache(path: string): boolean {
  const asked = [
    'if=/dev/null',
    `of=${path}`,
    'oflag=nocache',
    'conv=notrunc,fdatasync',
    'count=0',
    'status=none',
  ]
  return spawnSync('dd', asked).status === 0
}

/** One file of `bytes` bytes through the page cache in pieces of 4 MiB, then fdatasync; seconds. Removed again. */
export function writeSequentially(path: string, bytes: number): number {
  const piece = randomBytes(PIECE_BYTES, 3)
  const start = performance.now()
  const fd = openSync(path, 'wx')
  for (let at = 0; at < bytes; at += PIECE_BYTES)
    writeSync(fd, piece, 0, Math.min(PIECE_BYTES, bytes - at), at)
  fdatasyncSync(fd)
  closeSync(fd)
  const seconds = (performance.now() - start) / 1000
  rmSync(path)
  return seconds
}

/** The same past the page cache; undefined where there is no direct I/O. */
export function writeDirectly(path: string, bytes: number): number | undefined {
  const file = openRealFile(path, 'create', { direct: true })
  try {
    if (!file.direct) return undefined
    const align = Math.max(4096, file.capabilities.directAlignBytes)
    const piece = allocateAligned(PIECE_BYTES, align)
    piece.set(randomBytes(PIECE_BYTES, 4))
    const start = performance.now()
    for (let at = 0; at < bytes; at += PIECE_BYTES) file.write(piece, at)
    file.truncate(bytes)
    file.sync()
    return (performance.now() - start) / 1000
  } finally {
    file.close()
    rmSync(path)
  }
}
