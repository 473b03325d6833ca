// Loads modules one after another, for a process that may open only few files: Node.js opens all modules that a module
// imports at once, more than a hundred. This is a hook of node:module, which runs in a thread of its own.
import { readFileSync } from 'node:fs'
import type { LoadFnOutput, LoadHookContext } from 'node:module'
import { fileURLToPath } from 'node:url'

type NextLoad = (url: string, context: LoadHookContext) => LoadFnOutput | Promise<LoadFnOutput>

/** See https://nodejs.org/api/module.html#loadurl-context-nextload */
export function load(
  url: string,
  context: LoadHookContext,
  next: NextLoad,
): LoadFnOutput | Promise<LoadFnOutput> {
  if (context.format !== 'module' || !url.startsWith('file:')) return next(url, context)
  return { format: 'module', source: readFileSync(fileURLToPath(url)), shortCircuit: true }
}
