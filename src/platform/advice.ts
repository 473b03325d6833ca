// Tells the kernel what a program knows about its next reads. These are hints: they never fail, and where the system
// has no such call (macOS) they do nothing.
import { libc } from './libc.js'

export type Advice = 'normal' | 'random' | 'sequential' | 'willneed' | 'dontneed'

/** The numbers are the same for posix_fadvise and madvise, on x64 and arm64. */
export const ADVICE: Readonly<Record<Advice, number>> = {
  normal: 0,
  random: 1,
  sequential: 2,
  willneed: 3,
  dontneed: 4,
}

/**
 * Tells the kernel how [offset, offset + length) of an open file will be read; length 0 means to the end. 'dontneed'
 * drops the clean pages of the range from the page cache, so sync dirty ones first. A large page that extends beyond
 * the range stays whole.
 */
export function adviseFile(fd: number, offset: number, length: number, advice: Advice): void {
  // Returns the errno itself and does not set it.
  libc.posixFadvise?.(fd, offset, length, ADVICE[advice])
}
