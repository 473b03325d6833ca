// What the pages ask for besides tiles: the list of sources, and of one of them what `flagstone info --json` says
// (/{id}/info.json).

import { basename } from 'node:path'
import { elevationOf } from '../../sampling/tile-form.js'
import { newPace } from '../../store/live/pace.js'
import { givenName } from '../../store/report/tilejson.js'
import type { Routed, RoutedSource, ServerContext } from '../context.js'
import { notModified } from '../http/conditional.js'
import { jsonAnswer } from '../http/json-answer.js'
import type { Reply } from '../http/message.js'
import type { Catalog, Source } from '../sources/source.js'
import { titleOf } from '../sources/source-ids.js'
import { attributionOf, sourceCountOf } from './attribution.js'

export function answerFacts({ options }: ServerContext, { query, source }: RoutedSource): Reply {
  const etag = `"info-${source.version}"`
  const same = notModified(query, etag)
  if (same !== undefined) return same
  const { metadata, layout: _, ...described } = source.describe()
  const facts = {
    id: source.id,
    name: givenName(metadata) ?? titleOf(source),
    description: textOf(metadata['description']),
    attribution: attributionOf(source),
    ...described,
    /** How heights are held; absent for pictures and vectors. */
    elevation: elevationOf(source.tiles),
    /** Images that the file remembers it was made from. */
    sourceCount: sourceCountOf(source),
    missing: source.missing ?? options.missing,
    version: source.version,
  }
  return jsonAnswer(query, facts, { etag })
}

/** `/_/sources.json`: what the catalogue page lists, and what could not be opened. Reads no tile and no index. */
export async function answerSources({ catalog }: ServerContext, { query }: Routed): Promise<Reply> {
  const pace = newPace()
  const sources: object[] = []
  for (const source of catalog.list()) {
    const turn = pace()
    if (turn !== undefined) await turn
    const { name = titleOf(source), description } = namesOf(source)
    sources.push({ id: source.id, name, description })
  }
  const problems = problemsOf(catalog)
  return jsonAnswer(query, { sources, problems }, { headers: ['Cache-Control', 'no-cache'] })
}

/** One sentence each, without the folders: clients need not know where files are. */
export function problemsOf(catalog: Catalog): string[] {
  return catalog
    .problems()
    .map(({ path, message }) =>
      path === '' ? 'A folder cannot be read; the log says why.' : message.replaceAll(path, basename(path)),
    )
}

interface Names {
  readonly name?: string | undefined
  readonly description?: string | undefined
}

const known = new WeakMap<Source, { readonly version: string; readonly names: Names }>()

/** Read once per version. A file with damaged metadata is listed under its id; its own URLs give the reason. */
export function namesOf(source: Source): Names {
  try {
    const { version } = source
    const before = known.get(source)
    if (before?.version === version) return before.names
    const metadata = source.tiles.metadata()
    const names = { name: givenName(metadata), description: textOf(metadata['description']) }
    known.set(source, { version, names })
    return names
  } catch {
    return {}
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
