// What a trusted proxy reports about the client's request: as X-Forwarded-*, or, where there are none of these, as
// the Forwarded of RFC 7239. Not both at once: a proxy sets one of them, and lets pass what clients make up in the other.
//
// Of several proxies the one nearest to the client counts, which is the first.
import type { ServerRequest } from './message.js'

/** As they came: what is malformed is still to be found out. */
export interface Forwarded {
  readonly proto?: string | undefined
  readonly host?: string | undefined
  /** The port, when the host has none. */
  readonly port?: string | undefined
  readonly prefix?: string | undefined
  /** The client's address, perhaps with a port. */
  readonly client?: string | undefined
}

export function forwardedOf(query: ServerRequest): Forwarded {
  const [proto, host, port, prefix, client] = ['proto', 'host', 'port', 'prefix', 'for'].map((name) =>
    firstOf(query.header(`x-forwarded-${name}`)),
  )
  const isSaid = [proto, host, port, prefix, client].some((value) => value !== undefined)
  return isSaid ? { proto, host, port, prefix, client } : standard(query.header('forwarded') ?? '')
}

function firstOf(list: string | undefined): string | undefined {
  if (list === undefined) return undefined
  const comma = list.indexOf(',')
  const first = (comma < 0 ? list : list.slice(0, comma)).trim()
  return first === '' ? undefined : first
}

/** RFC 7239, 4: name=value pairs, the value a token or quoted. */
const PAIR = /[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*)))?[ \t]*(;|,|$)/y

/** The first element; nothing of one that is malformed. */
function standard(text: string): Forwarded {
  const said: Record<string, string> = {}
  PAIR.lastIndex = 0
  for (let end = ';'; end === ';'; ) {
    const pair = PAIR.exec(text)
    if (pair === null) return {}
    const [, name, quoted, token] = pair
    if (name !== undefined) said[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? token ?? ''
    end = pair[4]!
  }
  return { proto: said['proto'], host: said['host'], client: said['for'] }
}
