// The package's version, read from the one place that says it.
import { readFileSync } from 'node:fs'

const manifest = new URL('../../package.json', import.meta.url)

function read(): string {
  try {
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
  } catch {
    // in a bundle there is no package around us
    return 'unknown'
  }
}

export const version = read()
