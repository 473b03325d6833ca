// The host names the server answers to. Another site can make its own name point to this machine (DNS rebinding): then
// a browser treats the responses as that site's own, whatever CORS says. The Host header shows it.
import { HttpError, type Query } from './message.js'
import { askedHost, type UrlOptions } from './public-url.js'

/** What a browser calls this machine. */
export const LOOPBACK_HOSTS = ['localhost', '.localhost', '127.0.0.1', '[::1]'] as const

export class AllowedHosts {
  readonly #options: UrlOptions
  readonly #names: ReadonlySet<string>
  /** '.example.org': that domain and all below it. */
  readonly #domains: readonly string[]

  constructor(hosts: readonly string[], options: UrlOptions) {
    const names = hosts.map((host) => host.toLowerCase().replace(/^\*\./, '.'))
    this.#options = options
    this.#names = new Set(names.map((name) => name.replace(/^\./, '')))
    this.#domains = names.filter((name) => name.startsWith('.'))
  }

  /**
   * @throws HttpError 403 when the host is not among them
   * @throws HttpError 400 when the Host header is not a host
   */
  check(query: Query): void {
    const host = askedHost(query, this.#options)
    const name = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
    if (this.#names.has(name) || this.#domains.some((domain) => name.endsWith(domain))) return
    throw new HttpError(
      403,
      `This server does not answer under the name ${name}; add it to --allowed-hosts if it should.`,
    )
  }
}
