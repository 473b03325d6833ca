// The pages: the catalogue at '/', a map of a source at '/{id}/map'. They are files with two words filled in, where
// the server begins as seen from the page and where the assets are; all they show, they fetch as JSON.
//
// Invariant: nothing that comes from a file's metadata or from the request is written into HTML here.

import type { Routed, RoutedSource, ServerContext } from '../context.js'
import { textAnswer } from '../http/json-answer.js'
import type { Query, Reply } from '../http/message.js'
import { assets } from './assets.js'

/**
 * Only what comes from this server runs and loads. MapLibre sets styles through the CSSOM, which needs no
 * 'unsafe-inline'; its style sheet has icons as data:, its pictures become blob:.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const HEADERS = [
  'Content-Security-Policy',
  POLICY,
  'X-Content-Type-Options',
  'nosniff',
  'Referrer-Policy',
  'strict-origin-when-cross-origin',
  'Cache-Control',
  'no-cache',
]

export function answerCataloguePage(context: ServerContext, { query }: Routed): Reply {
  return withSlash(query, context.options.basePath) ?? page(context, query, 'index.html')
}

export function answerMapPage(context: ServerContext, { query }: RoutedSource): Reply {
  return page(context, query, 'map.html')
}

/** For people who follow an old link: the page of a map says that there is none. Undefined: this is no such link. */
export function answerNoMap(context: ServerContext, query: Query): Reply | undefined {
  const isLink =
    query.target.split('?', 1)[0]!.endsWith('/map') && /\btext\/html\b/.test(query.header('accept') ?? '')
  return isLink ? page(context, query, 'map.html', 404) : undefined
}

/** A page's links are relative: '/maps' has to become '/maps/' first. Relative too, as proxies may add to the path. */
function withSlash({ target, mountPath, isBare = false }: Query, basePath: string): Reply | undefined {
  const rest = target.slice(basePath.length)
  if (basePath === '' ? !isBare : rest.startsWith('/')) return undefined
  const name = `${mountPath ?? ''}${basePath}`.split('/').at(-1)
  const search = rest.includes('?') ? rest.slice(rest.indexOf('?')) : ''
  return { status: 308, headers: ['Location', `${name}/${search}`, 'Content-Length', '0'], body: undefined }
}

function page({ options }: ServerContext, query: Query, name: string, status = 200): Reply {
  const html = assets().page(name)
  const root = rootFrom(query.target, options.basePath)
  const filled = html.replaceAll('{root}', root).replaceAll('{assets}', `${root}_/${assets().version}/`)
  return textAnswer(query, filled, { status, contentType: 'text/html; charset=utf-8', headers: HEADERS })
}

/** The way from a page to '/' of the server, relative, so that it holds behind any proxy: './', '../', '../../'. */
function rootFrom(target: string, basePath: string): string {
  const path = target.slice(basePath.length).split('?', 1)[0]!
  const depth = path.split('/').length - 2
  return depth <= 0 ? './' : '../'.repeat(depth)
}
