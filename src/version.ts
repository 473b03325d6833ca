// The package's version, read from package.json.
import { readFileSync } from 'node:fs'
import { beside } from './beside.js'

function read(): string {
  try {
    const { name, version } = JSON.parse(readFileSync(beside('../../package.json'), 'utf8'))
    if (name === 'flagstone') return version
  } catch {}
  // in a bundle, package.json is missing or belongs to another package
  return 'unknown'
}

export const version = read()
