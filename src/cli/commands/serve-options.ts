// The options of `flagstone serve`, group by group as its help shows them. Their meaning is documented in
// server/options.ts and server/run/listen-options.ts; this file has their names and help.
import { Command, InvalidArgumentError, Option } from 'commander'
import { ALLOWED_HOST, MISSING, type MissingPolicy } from '../../server/options.js'
import { LOG_LEVELS } from '../../server/run/listen-options.js'
import { parseBytes, parseInteger, parseNumber } from '../parse.js'

/** The values of `--missing`: for all sources, and for single ones by id. */
export interface Missing {
  readonly all?: MissingPolicy
  readonly byId: Readonly<Record<string, MissingPolicy>>
}

const count = (min: number): ((text: string) => number) => parseInteger(min, 2 ** 31 - 1)

/** 'overzoom' or 'ortho=overzoom'; repeatable. */
function collectMissing(text: string, before: Missing = { byId: {} }): Missing {
  const at = text.lastIndexOf('=')
  const policy = text.slice(at + 1) as MissingPolicy
  if (!MISSING.includes(policy)) {
    throw new InvalidArgumentError(`expected ${MISSING.join(', ')}, or ID=… for one source.`)
  }
  return at < 0
    ? { ...before, all: policy }
    : { ...before, byId: { ...before.byId, [text.slice(0, at)]: policy } }
}

/** 'tiles.example.org,.example.com'. */
function parseHosts(text: string): string[] {
  const hosts = text.split(/[\s,]+/).filter((host) => host !== '')
  for (const host of hosts) {
    if (ALLOWED_HOST.test(host)) continue
    throw new InvalidArgumentError(
      `'${host}' is not a host name; expected * or a list such as tiles.example.org,.example.com,127.0.0.1, without ports.`,
    )
  }
  return hosts
}

/** 'https://a.org,https://b.org' or '*'. */
function parseOrigins(text: string): string[] {
  const origins = text.split(/[\s,]+/).filter((origin) => origin !== '')
  for (const origin of origins) {
    if (origin === '*' || origin === 'null') continue
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new InvalidArgumentError(
        `'${origin}' is not an origin; expected * or a list such as https://example.org,http://localhost:3000.`,
      )
    }
  }
  return origins
}

function parsePublicUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('expected a URL such as https://tiles.example.org/maps.')
  }
  return text
}

/** '/maps', also written 'maps' or '/maps/'; '/' is the root. */
function parseBasePath(text: string): string {
  const path = text.split('/').filter((part) => part !== '')
  if (!path.every((part) => /^[\w.~-]+$/.test(part) && part !== '.' && part !== '..')) {
    throw new InvalidArgumentError('expected a path such as /maps, made of letters, digits and -._~')
  }
  return path.map((part) => `/${part}`).join('')
}

function listenGroup(command: Command): Command {
  return command
    .optionsGroup('Listen:')
    .option('-p, --port <n>', 'port; 0: any free port (default: 8080)', parseInteger(0, 65_535))
    .option(
      '--host <host>',
      'address or host name to listen on; 0.0.0.0: all (default: 127.0.0.1, this machine only)',
    )
    .option('--tls-cert <file>', 'serve HTTPS with this certificate (PEM, including its chain)')
    .option('--tls-key <file>', 'private key of the certificate (PEM)')
    .option(
      '--workers <n>',
      'processes that share the port and the page cache (default: 1)',
      parseInteger(1, 256),
    )
    .addOption(
      new Option(
        '--log [level]',
        'log requests to stderr as JSON lines: info (all), warn (4xx and 5xx), error (5xx)',
      )
        .choices(LOG_LEVELS)
        .preset('info'),
    )
}

function answerGroup(command: Command): Command {
  return command
    .optionsGroup('Responses:')
    .option(
      '--missing <policy>',
      'response for a missing tile: auto (enlarge the tile above, else 204), 204, 404, transparent or overzoom; ID=… for one source (default: auto)',
      collectMissing,
    )
    .option('--transcode', 'convert tiles to the requested format')
    .option(
      '--cors <origins>',
      'origins allowed to use the responses, comma-separated (default: *)',
      parseOrigins,
    )
    .option('--no-cors', 'allow no other origins')
    .option(
      '--allowed-hosts <hosts>',
      'host names the server answers to, comma-separated; .NAME: a domain (default: any; with --cors on 127.0.0.1: localhost)',
      parseHosts,
    )
    .option('--cache-control <value>', 'Cache-Control for URLs without a version')
    .option('--watch', 'pick up files that are added, changed or removed')
}

function proxyGroup(command: Command): Command {
  return command
    .optionsGroup('Behind a proxy:')
    .option('--public-url <url>', 'public URL of this server, for the links in responses', parsePublicUrl)
    .option('--base-path <path>', 'path prefix of all URLs, e.g. /maps', parseBasePath)
    .option('--trust-proxy', 'trust X-Forwarded-Proto, -Host, -Port, -Prefix and -For, or Forwarded')
}

function limitGroup(command: Command): Command {
  return command
    .optionsGroup('Limits:')
    .option(
      '--cache-mb <n>',
      'cache for computed responses in MiB, all workers together (default: 128)',
      count(0),
    )
    .option('--max-pixels <n>', 'most pixels in one image (default: 16777216)', count(65_536))
    .option(
      '--max-points <n>',
      'most points in one query, and samples in one profile (default: 10000)',
      count(1),
    )
    .option('--max-body <size>', 'largest request body (default: 1M)', parseBytes)
    .option('--max-jobs <n>', 'most responses computed at once, per worker (default: 4)', count(1))
    .option(
      '--max-waiting <n>',
      'most requests waiting to be computed; others get 503 (default: 256)',
      count(0),
    )
    .option(
      '--max-seconds <s>',
      'longest time to compute one response, including the wait; then 503 (default: 15)',
      parseNumber(0, 3600),
    )
    .option('--max-connections <n>', 'most open connections, per worker (default: 10000)', count(1))
}

const EXAMPLES = `
Examples:
  flagstone serve ortho.pmtiles                           serve one file and print the address to open
  flagstone serve tiles/ 'more/**/*.pmtiles' old.mbtiles  folders, globs, other archives; the file name is the id
  flagstone serve city=/data/2024/ortho-final.pmtiles     use another id
  flagstone serve tiles/ --watch --workers 4 --log
  flagstone serve tiles/ --host 0.0.0.0 --port 443 --tls-cert chain.pem --tls-key key.pem
  flagstone serve tiles/ --base-path /maps --trust-proxy --cors https://example.org
  flagstone serve terrain.pmtiles --missing 404 --missing terrain=auto -p 0 --json

URLs: / catalogue, /ID/map viewer, /ID/{z}/{x}/{y} tiles, /ID.json TileJSON, /ID.pmtiles, /health, /metrics.
SIGTERM and Ctrl-C finish open requests, then exit with code 0. SIGHUP reads the certificate again
and replaces the workers one by one.`

export function defineServe(): Command {
  const command = new Command('serve')
    .description('serve tile files over HTTP: tiles, TileJSON, WMTS and a viewer')
    .argument(
      '<sources...>',
      'tile files, folders or globs; ID=PATH gives a file another id. Only the sources you name are opened',
    )
  for (const group of [listenGroup, answerGroup, proxyGroup, limitGroup]) group(command)
  return command.optionsGroup('Common:').addHelpText('after', EXAMPLES)
}
