// A certificate and its key from files, with the sentence that says which of them is wrong.
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { FlagstoneError } from '../../errors.js'

export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

export interface TlsPair {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Throws FlagstoneError NOT_FOUND, SYSTEM, BAD_OPTION: the files do not make a certificate that a server can use. */
export function readTlsFiles({ cert, key }: TlsFiles): TlsPair {
  const pair = { cert: read(cert, 'certificate'), key: read(key, 'private key') }
  try {
    createSecureContext(pair)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new FlagstoneError(
      'BAD_OPTION',
      `${cert} and ${key} cannot be used for TLS (${why}): use a certificate (or chain) and its private key without a passphrase, both in PEM.`,
      { cause },
    )
  }
  return pair
}

function read(path: string, what: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      throw new FlagstoneError('NOT_FOUND', `The ${what} ${path} does not exist.`, { path, cause })
    }
    throw new FlagstoneError('SYSTEM', `The ${what} ${path} cannot be read (${code}).`, {
      path,
      errno: code,
      cause,
    })
  }
}
