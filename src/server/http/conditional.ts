// Conditional requests (RFC 9110, 13): has the client got what it would be sent?
//
// If-None-Match is compared weakly: W/"a" is the same as "a". Nothing here has dates, so If-Modified-Since never
// makes a 304.
import type { Query, Reply } from './message.js'

/**
 * A 304 when If-None-Match of a GET or HEAD names the entity tag (quoted, weak or strong) or is '*'; else undefined.
 * `headers`: what the 200 would have had of Vary, Content-Location and the like.
 */
export function notModified(query: Query, etag: string, headers: readonly string[] = []): Reply | undefined {
  const asked = query.header('if-none-match')
  if (asked === undefined || !isNamed(etag, asked)) return undefined
  if (query.method !== 'GET' && query.method !== 'HEAD') return undefined
  return { status: 304, headers: ['ETag', etag, ...headers], body: undefined }
}

/** Whether a list of entity tags, as If-None-Match has it, names this one; compared weakly. */
export function isNamed(etag: string, list: string): boolean {
  if (list === etag || list === '*') return true
  const tag = etag.startsWith('W/') ? etag.slice(2) : etag
  for (let at = list.indexOf(tag); at >= 0; at = list.indexOf(tag, at + 1)) {
    // as a whole member of the list: quotes inside a tag are not allowed, so what stands around it decides
    if (beginsMember(list, at) && endsMember(list, at + tag.length)) return true
  }
  return list.trim() === '*'
}

function beginsMember(list: string, at: number): boolean {
  let i = at
  if (i >= 2 && list[i - 1] === '/' && list[i - 2] === 'W') i -= 2
  while (i > 0 && isBlank(list[i - 1]!)) i--
  return i === 0 || list[i - 1] === ','
}

function endsMember(list: string, at: number): boolean {
  let i = at
  while (i < list.length && isBlank(list[i]!)) i++
  return i === list.length || list[i] === ','
}

const isBlank = (char: string): boolean => char === ' ' || char === '\t'
