// The viewer's files, from the folder beside this module: /_/{version}/{file}. Modules import each other by relative
// names, so the version is a folder of the address, and what is in it never changes.
//
// Invariant: only names that were found in the folder are answered; a path out of a URL never reaches the disk.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beside } from '../../beside.js'
import type { Routed, ServerContext } from '../context.js'
import { bytesAnswer, textAnswer } from '../http/json-answer.js'
import { HttpError, type Reply } from '../http/message.js'

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
}
const FOREVER = 'public, max-age=31536000, immutable'

interface Asset {
  readonly bytes: Buffer
  readonly contentType: string
  readonly etag: string
}

class Assets {
  /** Of all files together: changes with any of them. */
  readonly version: string
  readonly #files = new Map<string, Asset>()
  readonly #pages = new Map<string, string>()

  constructor() {
    const all = createHash('sha1')
    const folder = fileURLToPath(beside('viewer/'))
    const names = existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]).sort() : []
    for (const name of names) {
      const extension = extname(name)
      const contentType = TYPES[extension]
      if (contentType === undefined && extension !== '.html') continue
      const bytes = readFileSync(join(folder, name))
      all.update(name).update(bytes)
      if (contentType === undefined) this.#pages.set(name, bytes.toString())
      else this.#files.set(name.split(sep).join('/'), { bytes, contentType, etag: etagOf(bytes) })
    }
    this.version = all.digest('base64url').slice(0, 10)
  }

  file(name: string): Asset | undefined {
    return this.#files.get(name)
  }

  /** @throws HttpError 404 when the pages were not built */
  page(name: string): string {
    const page = this.#pages.get(name)
    if (page !== undefined) return page
    throw new HttpError(404, 'The viewer is missing from this build; run `npm run build`.')
  }
}

const etagOf = (bytes: Buffer): string => `"${createHash('sha1').update(bytes).digest('base64url')}"`

let loaded: Assets | undefined
/** Read when first asked for; kept, 2 MB. */
export function assets(): Assets {
  loaded ??= new Assets()
  return loaded
}

/** `/_/…`: with the version in front it may be kept for ever. */
export function answerAsset(_context: ServerContext, { query, segments }: Routed): Reply {
  const [, ...rest] = segments
  const isVersioned = rest[0] === assets().version
  const asset = assets().file((isVersioned ? rest.slice(1) : rest).join('/'))
  if (asset === undefined) throw new HttpError(404, 'Not found.')
  const headers = ['X-Content-Type-Options', 'nosniff', ...(isVersioned ? ['Cache-Control', FOREVER] : [])]
  const { bytes, contentType, etag } = asset
  return contentType.startsWith('text/')
    ? textAnswer(query, bytes, { etag, contentType, headers })
    : bytesAnswer(query, asset, headers)
}
