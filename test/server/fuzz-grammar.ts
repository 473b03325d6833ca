// Requests to try a server with: its own routes with good values, then changed in every way that was a bug in some
// server once. All from one stream of random numbers, so that a seed and a count name a request.

import { FILE_ROUTES, SERVER_ROUTES, SOURCE_ROUTES } from '../../src/server/routes.js'
import { brokenBytes } from './fuzz-broken.js'
import {
  BODIES,
  EXTENSIONS,
  HEADERS,
  IDS,
  isOfIll,
  latin,
  NASTY,
  NUMBERS,
  PARAMETERS,
  type Random,
} from './fuzz-words.js'

export interface Case {
  readonly method: string
  readonly target: string
  /** The whole request as it is sent. */
  readonly bytes: Buffer
  /** It is HTTP, so it must be answered. */
  readonly isHttp: boolean
  /** It asks for an archive that is ill: 500 is an answer. */
  readonly mayFail: boolean
}

/** A good one of what a pattern's stars stand for, by the route's name. */
const GOOD: Record<string, (r: Random) => string[]> = {
  tile: (r) => [
    String(r.int(3) + 2),
    String(r.int(12)),
    `${r.int(8)}${r.pick(['', '.png', '.jpg', '.webp', '@2x.png', '@3x'])}`,
  ],
  point: (r) => [place(r)],
  coverage: (r) => [String(r.int(6)), `${box(r)}.json`],
  bbox: (r) => [box(r), size(r)],
  static: (r) => [`${place(r)},${r.int(6)}`, size(r)],
  hillshade: (r) => [String(r.int(6)), String(r.int(16)), `${r.int(16)}${r.pick(['', '.png', '.webp'])}`],
  terrain: (r) => [String(r.int(6)), String(r.int(16)), `${r.int(16)}${r.pick(['', '.png', '.webp'])}`],
  asset: (r) => [r.pick(['map.js', 'map.css', 'catalogue.js', 'maplibre-gl.js', 'x', '..'])],
}

const coordinate = (r: Random, limit: number): string =>
  r.chance(0.1) ? r.pick(NUMBERS) : ((r.int(20_000) / 10_000 - 1) * limit).toFixed(r.int(6))
const place = (r: Random): string => `${coordinate(r, 180)},${coordinate(r, 85)}`
const box = (r: Random): string => {
  const west = r.int(300) - 180
  const south = r.int(140) - 80
  return `${west},${south},${west + r.int(60)},${south + r.int(30)}`
}
const size = (r: Random): string => `${r.int(600)}x${r.int(600)}${r.pick(['', '@2x'])}.${r.pick(EXTENSIONS)}`

/** Every route once in each list, tiles and the aliases of other servers among them. */
const routes: readonly ((r: Random) => { name: string; parts: string[]; method: string })[] = [
  ...SERVER_ROUTES.map(({ name, pattern, methods }) => (r: Random) => ({
    name,
    parts: filled(r, name, pattern),
    method: r.pick(methods),
  })),
  ...SOURCE_ROUTES.map(({ name, pattern, methods }) => (r: Random) => ({
    name,
    parts: [...r.pick([[], [], ['tiles'], ['data']]), r.pick(IDS), ...filled(r, name, pattern)],
    method: r.pick(methods),
  })),
  ...Object.entries(FILE_ROUTES).map(([extension, route]) => (r: Random) => ({
    name: route!.name,
    parts: [...r.pick([[], [], ['tiles'], ['data']]), `${r.pick(IDS)}.${extension}`],
    method: 'GET',
  })),
  ...[[], ['tiles'], ['data']].map((alias) => (r: Random) => ({
    name: 'tile',
    parts: [...alias, r.pick(IDS), ...GOOD.tile!(r)],
    method: 'GET',
  })),
]

function filled(r: Random, name: string, pattern: readonly string[]): string[] {
  const good = GOOD[name]?.(r) ?? []
  return pattern.map((word) => (word === '*' ? (good.shift() ?? r.pick(NUMBERS)) : word))
}

/** One character written another way, or something put in, doubled, cut out. */
function mutate(r: Random, text: string): string {
  const at = r.int(text.length + 1)
  switch (r.int(7)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + r.pick(NASTY) + text.slice(at)
    case 2:
      return text.slice(0, at) + r.pick(NUMBERS) + text.slice(at + 1)
    case 3:
      return at < text.length
        ? `${text.slice(0, at)}%${text.charCodeAt(at).toString(16).padStart(2, '0')}${text.slice(at + 1)}`
        : `${text}%`
    case 4:
      return text.slice(0, at) + text.slice(0, at) + text.slice(at)
    case 5:
      return text.slice(0, at) + String.fromCharCode(33 + r.int(94)) + text.slice(at + 1)
    default:
      return r.chance(0.5) ? text.toUpperCase() : text.slice(at)
  }
}

function targetOf(r: Random, parts: readonly string[]): string {
  const changed = [...parts]
  while (r.chance(0.25)) {
    const at = r.int(changed.length + 1)
    const how = r.int(6)
    if (how === 0) changed.splice(at, 0, r.pick(NASTY))
    else if (how === 1) changed.splice(at, 1)
    else if (at < changed.length) {
      changed[at] = how === 2 ? r.pick(NASTY) : how === 3 ? r.pick(NUMBERS) : mutate(r, changed[at]!)
    }
  }
  let target = `/${changed.join('/')}`
  let mark = '?'
  while (r.chance(0.3)) {
    const [name, values] = r.pick(PARAMETERS)
    const value = r.chance(0.2) ? r.pick(NASTY) : r.pick(values)
    target += `${mark}${r.chance(0.05) ? mutate(r, name) : name}${r.chance(0.03) ? '' : '='}${value}`
    mark = r.chance(0.05) ? ';' : '&'
  }
  if (r.chance(0.03)) target = mutate(r, target)
  if (r.chance(0.02))
    target = r.pick([
      '*',
      `http://evil.example${target}`,
      `//evil.example${target}`,
      `/${target}`,
      `${target}/`,
      `${target}#x`,
    ])
  // what is not visible ASCII is no request target: that is for broken()
  return target.replace(/[^\x21-\x7e]/g, '') || '/'
}

function http(r: Random, etags: readonly string[]): Case {
  const { parts, method: usual } = r.pick(routes)(r)
  const target = targetOf(r, parts)
  const method = r.chance(0.85)
    ? usual
    : r.pick([
        'HEAD',
        'HEAD',
        'OPTIONS',
        'POST',
        'PUT',
        'DELETE',
        'PATCH',
        'TRACE',
        'PROPFIND',
        'M-SEARCH',
        'GET',
      ])
  const headers = new Map<string, string>([['Host', '127.0.0.1']])
  while (r.chance(0.55)) {
    const [name, values] = r.pick(HEADERS)
    headers.set(name, r.pick(values))
  }
  if (etags.length > 0 && r.chance(0.1)) headers.set('If-None-Match', r.pick(etags))
  if (target.includes('.pmtiles') && r.chance(0.5))
    headers.set('Range', `bytes=${r.int(2000)}-${r.int(9000)}`)
  // a second Expect or a half-made upgrade is another protocol's business
  if (!/upgrade/i.test(headers.get('Connection') ?? '')) headers.delete('Upgrade')
  const hasBody = usual === 'POST' || r.chance(0.05)
  const body = hasBody ? latin(r.chance(0.3) ? mutate(r, r.pick(BODIES)) : r.pick(BODIES)) : undefined
  const chunked = body !== undefined && r.chance(0.3)
  if (chunked) headers.set('Transfer-Encoding', 'chunked')
  else if (body !== undefined) headers.set('Content-Length', String(body.length))
  const head = [
    `${method} ${target} HTTP/1.1`,
    ...[...headers].map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\r\n')
  const sent = body === undefined ? [] : chunked ? chunksOf(r, body) : [body]
  return {
    method,
    target,
    bytes: Buffer.concat([latin(head), ...sent]),
    isHttp: true,
    mayFail: isOfIll(target),
  }
}

function chunksOf(r: Random, body: Buffer): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const size = Math.min(body.length - at, 1 + r.int(8000))
    chunks.push(latin(`${size.toString(16)}\r\n`), body.subarray(at, at + size), latin('\r\n'))
    at += size
  }
  return [...chunks, latin('0\r\n\r\n')]
}

/** @param etags of answers so far */
export function nextCase(r: Random, etags: readonly string[]): Case {
  if (r.chance(0.85)) return http(r, etags)
  const bytes = brokenBytes(r, (again) => http(again, etags).bytes)
  // pieces of good requests may be in it, of ill archives too
  return { method: 'GET', target: '', bytes, isHttp: false, mayFail: isOfIll(bytes.toString('latin1')) }
}

/** Every route with good values, so that no run is without them. */
export function goodCases(
  r: Random,
): { name: string; method: string; target: string; bytes: Buffer; body: boolean }[] {
  return routes.map((make) => {
    const { name, parts, method } = make(r)
    const target = `/${parts.join('/')}`.replace(/damaged|faulty/g, 'pictures').replace(/[^\x21-\x7e]/g, '')
    const body = method === 'POST' ? BODIES[0]! : ''
    const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
    return {
      name,
      method,
      target,
      bytes: latin(`${method} ${target} HTTP/1.1\r\nHost: a\r\n${length}\r\n${body}`),
      body: body !== '',
    }
  })
}
