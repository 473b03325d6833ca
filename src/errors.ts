// The project has one error class. A failure that a user can act on is a FlagstoneError: one sentence that says what
// failed, why, and what to do, and a code that programs can switch on. Misuse of the API is a TypeError or RangeError
// with the code BAD_OPTION. Absence is `undefined`.

/** Error codes, grouped by when they occur. */
export type ErrorCode =
  // the request: options, arguments, paths
  | 'BAD_OPTION'
  | 'NOT_FOUND'
  | 'EXISTS'
  // reading a source image
  | 'SOURCE_UNREADABLE'
  | 'SOURCE_UNSUPPORTED'
  | 'SOURCE_CORRUPT'
  | 'CRS_MISSING'
  | 'CRS_UNSUPPORTED'
  | 'NOTHING_TO_BUILD'
  // a tile file
  | 'NOT_A_TILE_FILE'
  | 'VERSION_UNSUPPORTED'
  | 'DAMAGED'
  | 'LOCKED'
  | 'NOT_RESUMABLE'
  | 'PATCH_UNFIT'
  | 'TOO_LARGE'
  // the system
  | 'SYSTEM'
  | 'DISK_FULL'
  | 'UNSUPPORTED_PLATFORM'
  | 'INTERRUPTED'

/** Details of an operating system error, in addition to the message. */
export interface SystemDetails {
  /** errno name, e.g. `ENOSPC`. */
  errno?: string | undefined
  /** The call that failed, e.g. `fallocate`. */
  call?: string | undefined
  /** The file or folder concerned. */
  path?: string | undefined
  /** Arguments of the call by name, for the message and for logs. */
  args?: Record<string, number | string | bigint> | undefined
  /** The error that caused this one. */
  cause?: unknown
}

/** A failure that a user can act on. The message is one sentence that says what failed, why, and what to do. */
export class FlagstoneError extends Error {
  /** The kind of error, for programs. */
  readonly code: ErrorCode
  /** The errno of the operating system, e.g. `ENOSPC`; undefined when there is none. */
  readonly errno: string | undefined
  /** The system call that failed, e.g. `fallocate`. */
  readonly call: string | undefined
  /** The file or folder concerned, if any. */
  readonly path: string | undefined
  /** The arguments of the system call by name. */
  readonly args: Record<string, number | string | bigint> | undefined

  constructor(code: ErrorCode, message: string, details: SystemDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'FlagstoneError'
    this.code = code
    this.errno = details.errno
    this.call = details.call
    this.path = details.path
    this.args = details.args
  }
}

/** An argument or option of the wrong type, or with a value that is not allowed. */
export type ArgumentError = (TypeError | RangeError) & { readonly code: 'BAD_OPTION' }

const withCode = (error: TypeError | RangeError): ArgumentError =>
  Object.assign(error, { code: 'BAD_OPTION' as const })

/** `what` names the argument and says what it must be, as in 'bytes must be a Uint8Array'. */
export function wrongType(what: string, value: unknown): ArgumentError {
  return withCode(new TypeError(`${what}, not ${kindOf(value)}`))
}

export const badType = (message: string): ArgumentError => withCode(new TypeError(message))
export const badRange = (message: string): ArgumentError => withCode(new RangeError(message))

/** Whether an error is about an argument or option, whatever its class. */
export function isBadOption(error: unknown): error is ArgumentError | FlagstoneError {
  return error instanceof Error && (error as { code?: unknown }).code === 'BAD_OPTION'
}

/** Describes a value in a few words: strings may be long, and objects may hold anything. */
function kindOf(value: unknown): string {
  if (value === null || ['undefined', 'boolean', 'number'].includes(typeof value)) return String(value)
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
