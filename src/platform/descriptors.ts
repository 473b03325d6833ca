// How many files this process may still open.
import { readdirSync, readFileSync } from 'node:fs'
import { beside } from '../beside.js'

/** The soft limit on descriptors; Infinity where the system does not state one. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/**
 * Whether the limit is too low for Node.js to load modules as usual: it opens all modules that a module imports in
 * parallel, more than a hundred.
 */
export const hasFewDescriptors = (): boolean => descriptorLimit() < 200

/** The hook of node:module that loads modules one after another instead. */
export const gentleLoader = (): string => beside('platform/gentle-loader.js').href

/** Number of descriptors that are free now, 0 or more. */
export function freeDescriptors(): number {
  const limit = descriptorLimit()
  try {
    return Math.max(0, limit - readdirSync('/proc/self/fd').length)
  } catch {
    // even this directory could not be opened, or there is none
    return Number.isFinite(limit) ? 0 : limit
  }
}
