// What a caller names as sources, checked before anything is opened.
import { badType, wrongType } from '../../errors.js'
import { checkPath, parseOptions } from '../../store/options.js'
import { sourceObject } from '../options.js'
import type { SourceInput } from './source.js'

/** What is to be served, as a list. @throws TypeError, RangeError */
export function parseSources(sources: unknown): readonly SourceInput[] {
  const list: readonly unknown[] = Array.isArray(sources) ? sources : [sources]
  for (const source of list) {
    if (typeof source === 'string') checkPath(source, 'source')
    else if (typeof source === 'object' && source !== null) {
      const { path, reader } = parseOptions(sourceObject, source, 'source')
      if ((path === undefined) === (reader === undefined))
        throw badType('A source needs either a path or a reader.')
    } else throw wrongType('sources must be paths or { id, path, reader, missing }', source)
  }
  return list as readonly SourceInput[]
}
