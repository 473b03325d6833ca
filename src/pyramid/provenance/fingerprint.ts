// Fingerprints of sources: the same for the same content, so that it is known again after it was moved or copied.
//
// Few bytes of each file are read, so that thousands of files of gigabytes take seconds. A changed file is missed when
// its size, its first and last 64 KiB and the samples between them stay the same: pixels overwritten in place, in an
// uncompressed image, may be. Only the named file counts, and where it places the image: not overviews or masks beside
// it, and not the images that a VRT names. A remote file is what its server says: its size, and its ETag or date. Of a
// folder of tiles the names and sizes of its first files count.
import { createHash, type Hash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { freeDescriptors } from '../../platform/descriptors.js'
import { openRegular } from '../../platform/regular-file.js'
import { isRemote } from '../../raster/remote-path.js'
import type { SourceInfo } from '../../raster/source.js'

/** Bytes at each end of a file. */
const END_BYTES = 2 ** 16
const SAMPLES = 6
const SAMPLE_BYTES = 4096
/** Files of a folder that count. */
const MOST_FILES = 10_000
const AT_ONCE = 16
/** Changes when fingerprints of the same content do. */
const VERSION = 'f1'

/** By source. Files that cannot be read any more have a fingerprint too: it is that of no file. */
export async function fingerprintsOf(sources: readonly SourceInfo[]): Promise<string[]> {
  const found: string[] = new Array(sources.length)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < sources.length) {
      const at = next++
      found[at] = await fingerprintOfSource(sources[at]!)
    }
  }
  const count = Math.max(1, Math.min(AT_ONCE, freeDescriptors(), sources.length))
  await Promise.all(Array.from({ length: count }, work))
  return found
}

async function fingerprintOfSource(info: SourceInfo): Promise<string> {
  const { path, version, width, height, geotransform, polynomials } = info
  const hash = createHash('sha256')
  hash.update(JSON.stringify([width, height, polynomials ?? geotransform]))
  if (isRemote(path)) hash.update(`remote ${version ?? ''}`)
  else {
    try {
      await addPath(hash, path)
    } catch {
      // opening it, if it is needed, says why
      hash.update('not readable')
    }
  }
  return `${VERSION}-${hash.digest('hex').slice(0, 32)}`
}

async function addPath(hash: Hash, path: string): Promise<void> {
  if ((await stat(path)).isDirectory()) await addFolder(hash, path)
  else await addFile(hash, path)
}

async function addFile(hash: Hash, path: string): Promise<void> {
  const { handle, sizeBytes } = await openRegular(path)
  try {
    hash.update(`file of ${sizeBytes} bytes`)
    const buffer = Buffer.alloc(END_BYTES)
    for (const [position, length] of samplesOf(sizeBytes)) {
      const { bytesRead } = await handle.read(buffer, 0, length, position)
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await handle.close()
  }
}

/** Position and length of what is read of a file. */
function* samplesOf(size: number): Generator<readonly [position: number, length: number]> {
  yield [0, Math.min(size, END_BYTES)]
  if (size <= END_BYTES) return
  const between = size - 2 * END_BYTES
  for (let i = 1; i <= SAMPLES && between > SAMPLE_BYTES; i++) {
    yield [END_BYTES + Math.floor(((between - SAMPLE_BYTES) * i) / (SAMPLES + 1)), SAMPLE_BYTES]
  }
  const last = Math.min(END_BYTES, size - END_BYTES)
  yield [size - last, last]
}

async function addFolder(hash: Hash, folder: string): Promise<void> {
  let count = 0
  const visit = async (path: string, name: string): Promise<void> => {
    const entries = (await readdir(path, { withFileTypes: true })).sort(byName)
    for (const entry of entries) {
      if (count >= MOST_FILES) return
      const inner = join(path, entry.name)
      if (entry.isDirectory()) await visit(inner, `${name}${entry.name}/`)
      else {
        count++
        hash.update(`${name}${entry.name} ${(await stat(inner)).size}\n`)
      }
    }
  }
  await visit(folder, '')
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1)
