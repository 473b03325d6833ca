// Finds files that are installed beside this module, and loads packages with `require`. No other module depends on its
// own location. A bundler moves our code, and the files beside it are then missing: the caller has to report that.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

// esbuild leaves import.meta empty in CommonJS output; __filename is the bundle there
const here: string = (import.meta as { url?: string }).url ?? pathToFileURL(__filename).href

/** @param path relative to the folder of this module, such as `pyramid/work/worker.js` */
export const beside = (path: string): URL => new URL(path, here)

/**
 * Loads a CommonJS package synchronously, when it is first needed.
 * @throws Error when it is missing, with the message of `require`
 */
export const requirePackage = createRequire(here)
