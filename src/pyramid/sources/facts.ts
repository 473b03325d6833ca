// Facts about the source files that tell whether an interrupted build can be continued. A few sources are described one
// by one; thousands by numbers and digests that still say what differs.
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isRemote, withoutSecrets } from '../../raster/remote-path.js'
import type { SourceInfo } from '../../raster/source.js'

type Facts = Record<string, string | number | boolean>

/** Up to this many sources are described one by one. */
const FEW = 8

interface File {
  readonly path: string
  /** Bytes; 0 for remote files. */
  readonly size: number
  /** ISO 8601; for remote files their version. */
  readonly time: string
}

/** Path, bytes (0 for remote files), and time or version. */
export type SourceState = readonly [path: string, size: number, time: string]

export const sourceStates = (sources: readonly SourceInfo[]): SourceState[] =>
  sources.map(fileOf).map(({ path, size, time }) => [path, size, time])

/** Whether this is the name of a fact about sources. */
export const isSourceFact = (name: string): boolean => /\bsources?\b/.test(name)

export function sourceFacts(sources: readonly SourceInfo[]): Facts {
  if (sources.length > FEW) return manyFacts(sources.map(fileOf))
  const facts: Facts = {}
  for (const [i, info] of sources.entries()) {
    const name = sources.length === 1 ? 'the source' : `source ${i + 1}`
    const { path, size, time } = fileOf(info)
    facts[name] = path
    if (isRemote(info.path)) {
      facts[`the version of ${name}`] = time
      continue
    }
    facts[`the size of ${name}`] = size
    facts[`the modification time of ${name}`] = time
  }
  return facts
}

function fileOf({ path, version }: SourceInfo): File {
  if (isRemote(path)) return { path: withoutSecrets(path), size: 0, time: version ?? 'unknown' }
  const stat = statSync(path, { throwIfNoEntry: false })
  return {
    path: resolve(path),
    size: stat?.size ?? 0,
    time: stat === undefined ? 'none' : stat.mtime.toISOString(),
  }
}

function manyFacts(files: readonly File[]): Facts {
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  const newest = files.reduce((last, file) => (file.time > last ? file.time : last), '')
  const { length } = files
  return {
    'the list of sources': `${files[0]!.path} … ${files[length - 1]!.path} (digest ${digest(files.map((f) => f.path))})`,
    'the size of the sources': `${bytes} bytes (digest ${digest(files.map((f) => f.size))})`,
    'the modification time of the sources': `${newest} at the latest (digest ${digest(files.map((f) => f.time))})`,
  }
}

const digest = (values: readonly (string | number)[]): string =>
  createHash('sha256').update(values.join('\n')).digest('hex').slice(0, 16)
