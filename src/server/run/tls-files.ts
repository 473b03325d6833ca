// A certificate and its key from files, with the sentence that says which of them is wrong.
import { createSecureContext } from 'node:tls'
import { FlagstoneError } from '../../errors.js'
import { readRegularSync } from '../../platform/regular-file.js'

const MAX_BYTES = 2 ** 24

export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

export interface TlsPair {
  readonly cert: Buffer
  readonly key: Buffer
}

/**
 * @throws NOT_FOUND, SYSTEM
 * @throws BAD_OPTION when the files do not make a certificate that a server can use
 */
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
    return readRegularSync(path, MAX_BYTES)
  } catch (cause) {
    const { code, errno, message } = cause as FlagstoneError
    if (code === 'NOT_FOUND') {
      throw new FlagstoneError('NOT_FOUND', `The ${what} ${path} does not exist.`, { path, cause })
    }
    throw new FlagstoneError('SYSTEM', `The ${what} ${path} cannot be read (${errno ?? message}).`, {
      path,
      ...(errno === undefined ? {} : { errno }),
      cause,
    })
  }
}
