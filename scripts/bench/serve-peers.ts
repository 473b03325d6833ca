// The servers `bench serve` compares: each started on the same tiles, in the way its makers suggest for speed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmPackages } from './peers.js'

const CLI = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))
const UP_SECONDS = 60
const NPM_PEERS = ['tileserver-gl-light', '@versatiles/versatiles-rs-linux-x64-gnu']

export interface Tiles {
  /** A PMTiles archive. */
  readonly archive: string
  /** The same tiles as files, z/x/y.jpg. */
  readonly folder: string
  readonly id: string
}

export interface Server {
  readonly name: string
  readonly origin: string
  pathOf(z: number, x: number, y: number): string
  readonly pid: number
  stop(): void
}

export interface Peer {
  readonly name: string
  /** Why it cannot be measured. */
  readonly missing?: string
  start(port: number): { readonly child: ChildProcess; pathOf(z: number, x: number, y: number): string }
}

export function ours(tiles: Tiles, workers: number, options: readonly string[] = []): Peer {
  return {
    name: workers === 1 ? 'ours, 1 process' : `ours, ${workers} workers`,
    start: (port) => ({
      child: spawned(process.execPath, [
        ...[CLI, 'serve', tiles.archive, '--port', `${port}`, '--quiet'],
        ...(workers === 1 ? [] : ['--workers', `${workers}`]),
        ...options,
      ]),
      pathOf: (z, x, y) => `/${tiles.id}/${z}/${x}/${y}.jpg`,
    }),
  }
}

export function nginx(tiles: Tiles, scratch: string): Peer {
  return {
    name: 'nginx, static files',
    ...(spawnSync('nginx', ['-v']).error === undefined ? {} : { missing: 'nginx is not installed' }),
    start: (port) => {
      const prefix = join(scratch, 'nginx')
      mkdirSync(prefix, { recursive: true })
      const config = join(prefix, 'nginx.conf')
      writeFileSync(config, nginxConfig(tiles.folder, prefix, port))
      return {
        child: spawned('nginx', ['-p', prefix, '-c', config]),
        pathOf: (z, x, y) => `/${z}/${x}/${y}.jpg`,
      }
    },
  }
}

const nginxConfig = (root: string, prefix: string, port: number): string => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes auto;
pid ${prefix}/pid;
error_log ${prefix}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  types { image/jpeg jpg; }
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`

/** Peers of npm are installed into `dir` when they are not there; without a registry they are left out. */
export function npmPeers(tiles: Tiles, dir: string, scratch: string, say: (message: string) => void): Peer[] {
  const folderOf = npmPackages(NPM_PEERS, dir, say)
  const missing = (name: string): { missing?: string } =>
    existsSync(folderOf(name)) ? {} : { missing: `${name} could not be installed` }
  return [
    {
      name: 'tileserver-gl-light',
      ...missing(NPM_PEERS[0]!),
      start: (port) => ({
        child: spawned(process.execPath, [
          ...[join(folderOf(NPM_PEERS[0]!), 'src/main.js'), '--silent'],
          ...['--config', glConfig(tiles, scratch), '-p', `${port}`, '-b', '127.0.0.1'],
        ]),
        pathOf: (z, x, y) => `/data/${tiles.id}/${z}/${x}/${y}.jpeg`,
      }),
    },
    {
      name: 'VersaTiles (Rust)',
      ...missing(NPM_PEERS[1]!),
      start: (port) => ({
        child: spawned(process.execPath, [
          '-e',
          VERSATILES,
          folderOf(NPM_PEERS[1]!),
          tiles.archive,
          tiles.id,
          `${port}`,
        ]),
        pathOf: (z, x, y) => `/tiles/${tiles.id}/${z}/${x}/${y}`,
      }),
    },
  ]
}

/** tileserver-gl wants a folder for each kind of thing it might serve. */
function glConfig({ archive, id }: Tiles, scratch: string): string {
  const path = join(scratch, 'tileserver-gl.json')
  const root = join(scratch, 'tileserver-gl')
  mkdirSync(root, { recursive: true })
  const paths = { root, fonts: root, styles: root, icons: root, mbtiles: root, pmtiles: dirname(archive) }
  writeFileSync(
    path,
    JSON.stringify({ options: { paths }, styles: {}, data: { [id]: { pmtiles: archive } } }),
  )
  return path
}

const VERSATILES = `
const [folder, archive, id, port] = process.argv.slice(1)
const { TileServer } = require(folder)
const server = new TileServer({ ip: '127.0.0.1', port: Number(port), minimalRecompression: true })
server.addTileSourceFromPath(id, archive).then(() => server.start())
setInterval(() => {}, 1e6)
`

function spawned(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Starts a peer and waits until it answers `probe` with 200. Throws with what it said when it does not. */
export async function startServer(
  peer: Peer,
  probe: readonly [z: number, x: number, y: number],
): Promise<Server> {
  const port = await freePort()
  const { child, pathOf } = peer.start(port)
  let said = ''
  child.stderr?.on('data', (text) => {
    said = (said + text).slice(-2000)
  })
  const origin = `http://127.0.0.1:${port}`
  for (const until = Date.now() + UP_SECONDS * 1000; Date.now() < until; ) {
    if (child.exitCode !== null) break
    const status = await fetch(origin + pathOf(...probe)).then(
      async (answer) => {
        await answer.arrayBuffer()
        return answer.status
      },
      () => 0,
    )
    if (status === 200) {
      return { name: peer.name, origin, pathOf, pid: child.pid!, stop: () => void child.kill() }
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  child.kill()
  throw new Error(`${peer.name} does not answer: ${said.trim() || `nothing from ${basename(origin)}`}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
