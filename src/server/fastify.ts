// The core as a plugin of Fastify: `app.register(flagstoneFastify, { sources, prefix: '/maps' })`. Answers go through
// Fastify's reply, so that its hooks, its log and `inject` see them.
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { wrongType } from '../errors.js'
import { NodeQuery } from './adapters/node-handler.js'
import type { ServerHooks } from './context.js'
import type { Reply } from './http/message.js'
import { openTileServer } from './mount.js'
import type { ServerOptions } from './options.js'
import type { SourceInput } from './sources/source.js'

/**
 * The parts of a FastifyInstance that are used. Fastify's own types are not used here, because programs without Fastify
 * do not have them.
 */
export interface FastifyApp {
  /** Where the app, or the plugin in it, is mounted. */
  readonly prefix: string
  /** Of Fastify. */
  removeAllContentTypeParsers(): void
}

/** What the plugin is registered with: the sources, the options of the server, and its hooks. */
export interface FlagstoneFastifyOptions extends ServerOptions, ServerHooks {
  /** What is served: paths of files and folders, globs, open readers. */
  readonly sources: SourceInput | readonly SourceInput[]
  /** Of Fastify: where the plugin is mounted. */
  readonly prefix?: string
  /** Of Fastify. */
  readonly logLevel?: string
}

/**
 * The server as a plugin: `app.register(flagstoneFastify, { sources, prefix: '/maps' })`. It opens the sources when the
 * app gets ready, and closes them with it.
 * @throws as openTileServer
 */
export async function flagstoneFastify(instance: FastifyApp, given: FlagstoneFastifyOptions): Promise<void> {
  if (typeof given !== 'object' || given === null)
    throw wrongType('the plugin options must be { sources, … }', given)
  const { sources, prefix: _, logLevel: __, ...options } = given
  if (typeof (instance as FastifyInstance | undefined)?.addHook !== 'function')
    throw wrongType('the plugin must be registered with a Fastify app', instance)
  const app = instance as FastifyInstance
  const server = await openTileServer(sources, options)
  const { insideOf } = await import('./handler.js')
  const { core } = insideOf(server)
  app.addHook('onClose', () => server.close())
  // the server reads and limits bodies itself; this affects only the plugin
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  const depth = app.prefix.replace(/\/$/, '').split('/').length - 1
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const url = request.raw.url!
    const mounted = url.slice(0, endOfParts(url, depth))
    const query = new NodeQuery(request.raw, reply.raw, url.slice(mounted.length), mounted)
    const answer = await core.answer(query)
    if (answer.isElsewhere === true) {
      reply.callNotFound()
      return reply
    }
    return send(reply, answer, query.method, (error) => core.report(query, error))
  }
  app.all('/*', handler)
  if (app.prefix !== '') app.all('/', handler)
}

/** Where the first parts of a path end: a prefix may have parameters, '/:tenant', and be escaped otherwise. */
function endOfParts(url: string, parts: number): number {
  const mark = url.indexOf('?')
  const end = mark < 0 ? url.length : mark
  let at = 0
  for (let part = 0; part < parts; part++) {
    at = url.indexOf('/', at + 1)
    if (at < 0 || at > end) return end
  }
  return at
}

function send(
  reply: FastifyReply,
  { status, headers, body }: Reply,
  method: string,
  report: (error: unknown) => void,
): FastifyReply {
  reply.code(status)
  for (let i = 0; i < headers.length; i += 2) reply.header(headers[i]!, headers[i + 1]!)
  if (body === undefined || method === 'HEAD') return reply.send()
  if (body instanceof Uint8Array) {
    return reply.send(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
  }
  // an error in its middle makes Fastify cut the connection
  return reply.send(Readable.from(body, { objectMode: false }).once('error', report))
}
