// The package's version, read from the one place that says it.
import { readFileSync } from 'node:fs'
import { beside } from './beside.js'

function read(): string {
  try {
    const { name, version } = JSON.parse(readFileSync(beside('../../package.json'), 'utf8'))
    if (name === 'flagstone') return version
  } catch {}
  // in a bundle there is no package around us, or somebody else's
  return 'unknown'
}

export const version = read()
