// Loads sharp at its first use. Loading takes a tenth of a second in every thread, and many builds (opaque tiles of a
// GeoTIFF without JPEG) and all reading of tiles do not need it.
//
// Callers have several pictures in flight and decode each once, so libvips' own threads and cache would only get in the
// way.
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

/**
 * Loading fails when sharp is missing, was installed for another platform, or no file descriptor is left. The picture
 * is not at fault.
 */
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

/** Calls sharp's own function. @throws SYSTEM when it cannot be loaded */
export function sharp(input: string | Uint8Array, options?: SharpOptions): Sharp {
  loaded ??= load()
  return loaded(input, options)
}
