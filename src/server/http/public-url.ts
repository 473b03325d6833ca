// Where the client sees us: the start of every URL that descriptions hold.
//
// Invariant: what comes out is 'http(s)://host[:port]' and a path of plain segments, whatever headers came in: no
// quote, bracket, space or control character of a header reaches a document.
import { isIP } from 'node:net'
import type { ResolvedServerOptions } from '../options.js'
import { HttpError, type Query } from './message.js'

/** A name, an IPv4 address or an IPv6 address in brackets, with or without a port (RFC 3986, without escapes). */
const HOST = /^(?:[\w-][\w.-]{0,252}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/

/** Of paths of a source, as other servers have them. */
const ALIAS = /^\/(?:tiles|data)(?=\/)/

type UrlOptions = Pick<ResolvedServerOptions, 'publicUrl' | 'basePath' | 'trustProxy'>

/**
 * 'https://host/base' without a slash at its end. Who asks below '/tiles' or '/data' is told of addresses there: it may
 * be all that an outer router hands on to us (`app.get('/tiles/*', handler)`). X-Forwarded-* count only with `trustProxy`, and of a list its first
 * value, which is the proxy nearest to the client; one that is malformed is as good as none.
 * @throws HttpError 400 when it has to be taken from a Host header that is no host
 */
export function publicBase(query: Query, options: UrlOptions): string {
  if (options.publicUrl !== undefined) return options.publicUrl.replace(/\/+$/, '')
  const alias = ALIAS.exec(query.target.slice(options.basePath.length))?.[0] ?? ''
  const mounted = `${plain(query.mountPath ?? '')}${options.basePath}${alias}`
  if (!options.trustProxy) return `${query.isSecure ? 'https' : 'http'}://${hostOf(query)}${mounted}`
  const proto = forwarded(query, 'x-forwarded-proto')?.toLowerCase()
  const isSecure = proto === 'https' || (proto !== 'http' && query.isSecure)
  const host = forwarded(query, 'x-forwarded-host')
  const prefix = forwarded(query, 'x-forwarded-prefix')?.replace(/\/+$/, '') ?? ''
  return [
    isSecure ? 'https://' : 'http://',
    host !== undefined && HOST.test(host) ? host : hostOf(query),
    prefix.length <= 1024 && PREFIX.test(prefix) ? prefix : '',
    mounted,
  ].join('')
}

/** Who asks: the connection's other end, or with `trustProxy` the client that X-Forwarded-For names. */
export function clientAddress(query: Query, options: Pick<UrlOptions, 'trustProxy'>): string | undefined {
  const named = options.trustProxy ? forwarded(query, 'x-forwarded-for') : undefined
  // some proxies add the port
  const address = named?.replace(/^\[(.+)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  return address !== undefined && isIP(address) !== 0 ? address : query.remoteAddress
}

/** As it was typed by the client, where the mount point is a pattern. */
const plain = (path: string): string =>
  path.replace(/[^\w.~%/@:!$&()*+,;=-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

function hostOf(query: Query): string {
  // HTTP/2 calls it :authority; HTTP/1.0 need not say
  const host = query.header('host') ?? query.header(':authority') ?? 'localhost'
  if (!HOST.test(host)) throw new HttpError(400, 'The Host header is not a valid host name.')
  return host
}

function forwarded(query: Query, name: string): string | undefined {
  const value = query.header(name)
  if (value === undefined) return undefined
  const comma = value.indexOf(',')
  const first = (comma < 0 ? value : value.slice(0, comma)).trim()
  return first === '' ? undefined : first
}
