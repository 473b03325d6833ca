// Any ByteFile, whose n-th call fails: before it does anything, half way, or after it was done.
import type { ByteFile } from '../../src/platform/byte-file.js'
import { systemError } from '../../src/platform/system-error.js'

const CALLS = [
  'size',
  'read',
  'write',
  'truncate',
  'fallocate',
  'sync',
  'tryLock',
  'unlock',
  'close',
] as const
export type CallName = (typeof CALLS)[number]

const SYSTEM_NAMES: Record<CallName, string> = {
  size: 'fstat',
  read: 'read',
  write: 'write',
  truncate: 'ftruncate',
  fallocate: 'fallocate',
  sync: 'fdatasync',
  tryLock: 'fcntl',
  unlock: 'fcntl',
  close: 'close',
}

export interface Failure {
  /** Which call, counted from 0 over all files that share a `Faults`. */
  readonly at: number
  readonly errno: string
  readonly when: 'before' | 'half way' | 'after'
}

/** Counts the calls of one program, on however many files, and says which fails. */
export class Faults {
  readonly names: CallName[] = []
  failed = 0
  readonly #failure: Failure | undefined

  constructor(failure?: Failure) {
    this.#failure = failure
  }

  on(file: ByteFile): ByteFile {
    return new Proxy(file, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown
        if (typeof value !== 'function') return value
        const call = (...args: unknown[]): unknown =>
          (value as (...a: unknown[]) => unknown).apply(target, args)
        return (CALLS as readonly string[]).includes(name as string)
          ? (...args: unknown[]) => this.#through(name as CallName, args, call)
          : call
      },
    })
  }

  #through(name: CallName, args: unknown[], call: (...args: unknown[]) => unknown): unknown {
    const n = this.names.push(name) - 1
    const failure = this.#failure
    if (n !== failure?.at) return call(...args)
    this.failed++
    if (failure.when === 'half way') {
      const [bytes, position] = args as [Uint8Array, number]
      call(bytes.subarray(0, bytes.length >> 1), position)
    } else if (failure.when === 'after') call(...args)
    throw systemError(failure.errno, SYSTEM_NAMES[name], 'failing', {})
  }
}

/** The ways in which a call can fail on Linux. */
export function waysToFail(name: CallName, isThorough: boolean): Omit<Failure, 'at'>[] {
  const before = (...errnos: string[]): Omit<Failure, 'at'>[] =>
    errnos.map((errno) => ({ errno, when: 'before' as const }))
  switch (name) {
    case 'write':
      return [
        ...before('ENOSPC', ...(isThorough ? ['EDQUOT', 'EIO', 'EINTR', 'EFBIG'] : [])),
        { errno: 'ENOSPC', when: 'half way' },
        { errno: 'EIO', when: 'after' },
      ]
    case 'fallocate':
      return [
        ...before(
          'ENOSPC',
          'EIO',
          'EOPNOTSUPP',
          ...(isThorough ? ['EDQUOT', 'EINTR', 'EINVAL', 'ENOSYS', 'EPERM'] : []),
        ),
        { errno: 'EINTR', when: 'after' },
        { errno: 'EIO', when: 'after' },
      ]
    case 'sync':
      return [
        ...before('EIO', ...(isThorough ? ['ENOSPC', 'EDQUOT', 'EINTR'] : [])),
        { errno: 'EIO', when: 'after' },
      ]
    case 'truncate':
      return [
        ...before('ENOSPC', 'EIO', ...(isThorough ? ['EINTR', 'EFBIG'] : [])),
        { errno: 'EIO', when: 'after' },
      ]
    case 'read':
      return before('EIO', ...(isThorough ? ['EINTR', 'ESTALE'] : []))
    case 'size':
      return before('EIO')
    case 'tryLock':
    case 'unlock':
      return before('ENOLCK', ...(isThorough ? ['EINTR'] : []))
    case 'close':
      return [{ errno: 'EIO', when: 'after' }]
  }
}
