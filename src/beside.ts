// Files that are installed beside this module, and packages that are loaded by `require`: the one place that asks where
// we are. Bundlers move our code: what lay beside it is missing then, and whoever asks for it has to say so.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

// esbuild leaves import.meta empty in CommonJS, where __filename is the bundle
const here: string = (import.meta as { url?: string }).url ?? pathToFileURL(__filename).href

/** @param path from the folder that this module is in: `pyramid/work/worker.js` */
export const beside = (path: string): URL => new URL(path, here)

/** Loads a CommonJS package at once, and only when it is needed. @throws Error when it is missing, as `require` says it */
export const requirePackage = createRequire(here)
