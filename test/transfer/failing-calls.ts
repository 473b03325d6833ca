// Calls of real files that fail, or at which the process dies: those that change one file.
import { openRealFile } from '../../src/platform/real-file.js'
import { systemError } from '../../src/platform/system-error.js'

const CALLS = ['write', 'fallocate', 'truncate', 'sync'] as const
type Call = (typeof CALLS)[number]
type Method = (this: { readonly path: string }, ...args: unknown[]) => unknown

/** Calls `before` ahead of every call that changes the file; returns what ends it. */
export function onEveryCall(path: string, before: (call: Call, n: number) => void): () => void {
  const one = openRealFile(path, 'read')
  const prototype = Object.getPrototypeOf(one) as Record<Call, Method>
  one.close()
  const original = CALLS.map((call) => [call, prototype[call]] as const)
  let n = 0
  for (const [call, method] of original)
    prototype[call] = function (...args) {
      if (this.path === path) before(call, n++)
      return method.apply(this, args)
    }
  return () => {
    for (const [call, method] of original) prototype[call] = method
  }
}

/** The disk is full from the n-th call on, for so many calls. */
export function fullDisk(path: string, from: number, calls: number): () => void {
  return onEveryCall(path, (call, n) => {
    if (n >= from && n < from + calls && (call === 'write' || call === 'fallocate'))
      throw systemError('ENOSPC', call, path, {})
  })
}
