// Errors of the machine, or of the moment: they do not say whether a file is there, nor what is in it.

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

/** Whether the same call may succeed later although nobody touches the file: of Node.js' errors and of FlagstoneErrors. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  return PASSING.has(String(errno)) || PASSING.has(String(code))
}
