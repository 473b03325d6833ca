// sharp, loaded by its first use: that takes a tenth of a second in every thread, and many builds (opaque tiles
// of a GeoTIFF that holds no JPEG) and all reading of tiles do without.
//
// Whoever calls it has several pictures in flight, and decodes each once: libvips' own threads and cache would
// only be in the way.
import type sharpLibrary from 'sharp'
import type { Sharp, SharpOptions } from 'sharp'
import { requirePackage } from '../beside.js'
import { FlagstoneError } from '../errors.js'

let loaded: typeof sharpLibrary | undefined

function load(): typeof sharpLibrary {
  const library = required()
  library.concurrency(1)
  library.cache(false)
  return library
}

/** It is missing, of another platform, or there is no descriptor left to open it: no fault of the picture. */
function required(): typeof sharpLibrary {
  try {
    return requirePackage('sharp') as typeof sharpLibrary
  } catch (cause) {
    const [said] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    throw new FlagstoneError(
      'SYSTEM',
      `sharp, which reads and writes images, cannot be loaded (${said}); install it for this platform, or, if it is there, raise the limit of open files.`,
      { cause },
    )
  }
}

/** As of sharp itself. @throws SYSTEM when it cannot be loaded */
export function sharp(input: string | Uint8Array, options?: SharpOptions): Sharp {
  loaded ??= load()
  return loaded(input, options)
}
