// A small world of archives to be asked over HTTP, and the ways to ask: through node:http, Express, Fastify and fetch.
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fastify from 'fastify'
import sharp from 'sharp'
import { TileType } from '../../src/format/tile-type.js'
import { flagstoneFastify } from '../../src/server/fastify.js'
import { openTileServer, type TileServer } from '../../src/server/handler.js'
import type { ServerOptions } from '../../src/server/options.js'
import { createTiles } from '../../src/store/paths.js'

/** What is no picture of any sort, but has a gzip header as vector tiles do. */
export const VECTOR = Buffer.from('\x1a\x05layer, uncompressed')

export function picture(format: 'jpeg' | 'png', red: number): Promise<Buffer> {
  const flat = { width: 256, height: 256, channels: 3 as const, background: { r: red, g: 90, b: 30 } }
  return sharp({ create: flat }).toFormat(format).toBuffer()
}

/** pics.pmtiles: JPEG at zooms 0 and 1, and PNG at 2/0/0. vector.pmtiles: gzipped MVT at zoom 0. */
export async function makeWorld(dir: string): Promise<string[]> {
  const pics = join(dir, 'pics.pmtiles')
  const writer = createTiles(pics)
  writer.append(0, 0, 0, await picture('jpeg', 10), TileType.jpeg)
  for (let i = 0; i < 4; i++) {
    writer.append(1, i & 1, i >> 1, await picture('jpeg', 20 + i * 40), TileType.jpeg)
  }
  writer.append(2, 0, 0, await picture('png', 200), TileType.png)
  writer.seal()
  writer.close()
  const vector = join(dir, 'vector.pmtiles')
  const other = createTiles(vector)
  other.append(0, 0, 0, gzipSync(VECTOR), TileType.mvt)
  other.seal()
  other.close()
  return [pics, vector]
}

export interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

export interface Answered {
  readonly status: number
  /** Without what the connection is about. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Way {
  ask(target: string, asked?: Asked): Promise<Answered>
  close(): Promise<void>
}

/** Of express, which comes without types, what is used here. */
interface Express {
  (request: unknown, response: unknown): void
  use(...handlers: unknown[]): void
  get(path: string, ...handlers: unknown[]): void
  disable(setting: string): Express
}
export const express = createRequire(import.meta.url)('express') as (() => Express) & { json(): unknown }

const OF_CONNECTION = ['date', 'connection', 'keep-alive', 'transfer-encoding']

const about = (headers: IncomingHttpHeaders | Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OF_CONNECTION.includes(name))
      .map(([name, value]): [string, string] => [name, String(value)])
      .sort(),
  )

function askAt(
  port: number,
  target: string,
  { method = 'GET', headers = {}, body }: Asked,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path: target, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: about(response.headers),
          body: Buffer.concat(chunks),
        }),
      )
    })
    asked.on('error', reject).end(body)
  })
}

type Listener = Parameters<typeof createServer>[1]

/** Any listener of node:http. */
export async function overNode(
  listener: Listener,
  closed: () => unknown = () => {},
): Promise<Way & { port: number }> {
  const http = createServer(listener as never)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  return {
    port,
    ask: (target, asked = {}) => askAt(port, target, asked),
    async close() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await closed()
    },
  }
}

export function overFetch({ fetch, close }: TileServer): Way {
  return {
    async ask(target, { method = 'GET', headers = {}, body } = {}) {
      const response = await fetch(
        new Request(`http://127.0.0.1${target}`, { method, headers, ...(body !== undefined && { body }) }),
      )
      const bytes = Buffer.from(await response.arrayBuffer())
      return { status: response.status, headers: about(Object.fromEntries(response.headers)), body: bytes }
    },
    close,
  }
}

/** The same sources behind each of the libraries, by its name. */
export const WAYS: Record<string, (sources: string[], options: ServerOptions) => Promise<Way>> = {
  async node(sources, options) {
    const server = await openTileServer(sources, options)
    return overNode(server.node, server.close)
  },
  async express(sources, options) {
    const server = await openTileServer(sources, options)
    const app = express().disable('x-powered-by')
    app.use(server.node)
    return overNode(app, server.close)
  },
  async fastify(sources, options) {
    const app = fastify()
    await app.register(flagstoneFastify, { sources, ...options })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    return { ask: (target, asked = {}) => askAt(port, target, asked), close: () => app.close() }
  },
  async fetch(sources, options) {
    return overFetch(await openTileServer(sources, options))
  },
}
