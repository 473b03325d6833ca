// Temporary errors of the machine. They say neither whether a file exists nor what it contains.

const PASSING = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EINTR',
  'EBUSY',
  'EIO',
  'ESTALE',
  'ETIMEDOUT',
])

/**
 * Whether the same call may succeed later although nobody changes the file. For errors of Node.js and FlagstoneErrors.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  return PASSING.has(String(errno)) || PASSING.has(String(code))
}
