// The server's URL as the client sees it: the start of every URL in descriptions.
//
// Invariant: what comes out is 'http(s)://host[:port]' and a path of plain segments, whatever headers came in: no
// quote, bracket, space or control character of a header reaches a document.
import { isIP } from 'node:net'
import type { ResolvedServerOptions } from '../options.js'
import { type Forwarded, forwardedOf } from './forwarded.js'
import { HttpError, type Query, type ServerRequest } from './message.js'

/** A name, an IPv4 address or an IPv6 address in brackets, with or without a port (RFC 3986, without escapes). */
const HOST = /^(?:[\w-][\w.-]{0,252}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i
const PORT = /:\d+$/
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/

/** Of paths of a source, as other servers have them. */
const ALIAS = /^\/(?:tiles|data)(?=\/)/

export type UrlOptions = Pick<ResolvedServerOptions, 'publicUrl' | 'basePath' | 'trustProxy'>

/**
 * 'https://host/base' without a slash at its end. Who asks below '/tiles' or '/data' is told of addresses there: it may
 * be all that an outer router hands on to us (`app.get('/tiles/*', handler)`). What proxies say counts only with
 * `trustProxy`, and malformed headers are ignored.
 * @throws HttpError 400 when it has to be taken from a Host header that is not a host
 */
export function publicBase(query: Query, options: UrlOptions): string {
  if (options.publicUrl !== undefined) return options.publicUrl.replace(/\/+$/, '')
  const alias = ALIAS.exec(query.target.slice(options.basePath.length))?.[0] ?? ''
  const mounted = `${plain(query.mountPath ?? '')}${options.basePath}${alias}`
  if (!options.trustProxy) return `${schemeOf(query, {})}://${hostOf(query)}${mounted}`
  const said = forwardedOf(query)
  const prefix = said.prefix?.replace(/\/+$/, '') ?? ''
  return [
    `${schemeOf(query, said)}://`,
    hostAs(query, said),
    prefix.length <= 1024 && PREFIX.test(prefix) ? prefix : '',
    mounted,
  ].join('')
}

/** The host in the client's request, with its port unless it is the default one. @throws as publicBase */
export function askedHost(query: Query, { trustProxy }: Pick<UrlOptions, 'trustProxy'>): string {
  return trustProxy ? hostAs(query, forwardedOf(query)) : hostOf(query)
}

/** The client's address: the other end of the connection, or with `trustProxy` the one that the proxy names. */
export function clientAddress(
  query: ServerRequest,
  options: Pick<UrlOptions, 'trustProxy'>,
): string | undefined {
  const named = options.trustProxy ? forwardedOf(query).client : undefined
  // some proxies add the port
  const address = named?.replace(/^\[(.+)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  return address !== undefined && isIP(address) !== 0 ? address : query.remoteAddress
}

function schemeOf(query: Query, said: Forwarded): 'http' | 'https' {
  const proto = said.proto?.toLowerCase()
  return proto === 'https' || (proto !== 'http' && query.isSecure) ? 'https' : 'http'
}

function hostAs(query: Query, said: Forwarded): string {
  const isNamed = said.host !== undefined && HOST.test(said.host)
  const host = isNamed ? said.host : hostOf(query)
  const port = Number(/^\d{1,5}$/.test(said.port ?? '') ? said.port : 0)
  // a port that stands in the client's own words is nearer to it than what the last proxy but one listens on
  if (port < 1 || port > 65_535 || (isNamed && PORT.test(host))) return host
  const isUsual = port === (schemeOf(query, said) === 'https' ? 443 : 80)
  return `${host.replace(PORT, '')}${isUsual ? '' : `:${port}`}`
}

/** As it was typed by the client, where the mount point is a pattern. */
const plain = (path: string): string =>
  path.replace(/[^\w.~%/@:!$&()*+,;=-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

function hostOf(query: Query): string {
  // HTTP/2 calls it :authority; HTTP/1.0 may omit it
  const host = query.header('host') ?? query.header(':authority') ?? 'localhost'
  if (!HOST.test(host)) throw new HttpError(400, 'The Host header is not a valid host name.')
  return host
}
