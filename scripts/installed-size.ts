// How many bytes each package takes that is installed with Flagstone.
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** All of them together, Flagstone included. */
export const LIMIT_BYTES = 60e6

export interface PackageSize {
  readonly name: string
  /** The sum of its files. */
  readonly bytes: number
}

/** Of all files under a folder, without those of other packages. */
function bytesUnder(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isFile()) bytes += lstatSync(path).size
    else if (entry.isDirectory() && entry.name !== 'node_modules') bytes += bytesUnder(path)
  }
  return bytes
}

interface Locked {
  readonly dev?: boolean
  /** Wanted by what is installed for development, or optionally. */
  readonly devOptional?: boolean
  readonly optional?: boolean
}

/**
 * The packages of a lockfile that come without development, the largest first.
 * @param root the folder that holds package-lock.json (or node_modules/.package-lock.json) and node_modules
 * @throws the system's error when one is not there that must be: optional ones are for some systems only
 */
export function installedSizes(root: string, lockfile = 'package-lock.json'): PackageSize[] {
  const { packages } = JSON.parse(readFileSync(join(root, lockfile), 'utf8')) as {
    packages: Record<string, Locked>
  }
  const sizes: PackageSize[] = []
  for (const [path, { dev, devOptional, optional }] of Object.entries(packages)) {
    if (path === '' || dev === true || devOptional === true) continue
    try {
      sizes.push({ name: path.replace(/^node_modules\//, ''), bytes: bytesUnder(join(root, path)) })
    } catch (error) {
      if (optional !== true) throw error
    }
  }
  return sizes.sort((a, b) => b.bytes - a.bytes)
}

export const totalOf = (sizes: readonly PackageSize[]): number =>
  sizes.reduce((sum, { bytes }) => sum + bytes, 0)
