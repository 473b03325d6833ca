// sharp, loaded by its first use: that takes a tenth of a second in every thread, and many builds (opaque tiles
// of a GeoTIFF that holds no JPEG) and all reading of tiles do without.
//
// Whoever calls it has several pictures in flight, and decodes each once: libvips' own threads and cache would
// only be in the way.
import { createRequire } from 'node:module'
import type sharpLibrary from 'sharp'
import type { Sharp, SharpOptions } from 'sharp'

// it is CommonJS, so it can be had at once
const require = createRequire(import.meta.url)
let loaded: typeof sharpLibrary | undefined

function load(): typeof sharpLibrary {
  const library = require('sharp') as typeof sharpLibrary
  library.concurrency(1)
  library.cache(false)
  return library
}

/** As of sharp itself. */
export function sharp(input: string | Uint8Array, options?: SharpOptions): Sharp {
  loaded ??= load()
  return loaded(input, options)
}
