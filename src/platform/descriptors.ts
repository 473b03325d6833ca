// How many files this process may still open, for those that would open many.
import { readdirSync, readFileSync } from 'node:fs'
import { beside } from '../beside.js'

/** Descriptors the process may have: its soft limit. Infinity where the system does not say. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Node.js opens all modules that a module imports side by side: more than a hundred. */
export const hasFewDescriptors = (): boolean => descriptorLimit() < 200

/** The hook of node:module that loads them one after another instead. */
export const gentleLoader = (): string => beside('platform/gentle-loader.js').href

/** Of that limit, what is free now: 0 or more. */
export function freeDescriptors(): number {
  const limit = descriptorLimit()
  try {
    return Math.max(0, limit - readdirSync('/proc/self/fd').length)
  } catch {
    // not even this directory could be opened, or there is none
    return Number.isFinite(limit) ? 0 : limit
  }
}
