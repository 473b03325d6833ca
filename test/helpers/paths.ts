// Where things are, from wherever the compiled test lies.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function findRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : findRoot(dirname(from))
}

/** The repository (or package) root. */
export const root = findRoot(dirname(fileURLToPath(import.meta.url)))
export const fixture = (...parts: string[]): string => join(root, 'fixtures', ...parts)

/** Real imagery beside a developer's checkout; not part of the project. Tests that want it skip without. */
export const sharedData: string | undefined = [join(root, '..', 'shared', 'data')].find((p) => existsSync(p))
