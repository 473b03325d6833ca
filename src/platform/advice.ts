// What a program knows of its next reads, told to the kernel. Hints: nothing here fails, and where there is no
// such call (macOS) nothing happens.
import { libc } from './libc.js'

export type Advice = 'normal' | 'random' | 'sequential' | 'willneed' | 'dontneed'

/** The same numbers for posix_fadvise and madvise, on x64 and arm64. */
export const ADVICE: Readonly<Record<Advice, number>> = {
  normal: 0,
  random: 1,
  sequential: 2,
  willneed: 3,
  dontneed: 4,
}

/**
 * Tells how [offset, offset + length) of an open file will be read; length 0 is 'to the end'. 'dontneed' drops the
 * clean pages of the range from the page cache: sync first what has to go. A large page that reaches out of the
 * range stays whole.
 */
export function adviseFile(fd: number, offset: number, length: number, advice: Advice): void {
  // Answers with the errno itself and does not set it.
  libc.posixFadvise?.(fd, offset, length, ADVICE[advice])
}
