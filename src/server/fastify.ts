// The core as a plugin of Fastify: `app.register(flagstoneFastify, { sources, prefix: '/maps' })`. Answers go through
// Fastify's reply, so that its hooks, its log and `inject` see them.
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ServerHooks } from './context.js'
import type { Reply } from './message.js'
import { openTileServer } from './mount.js'
import { NodeQuery } from './node-handler.js'
import type { ServerOptions } from './options.js'
import type { SourceInput } from './source.js'

export interface FlagstoneFastifyOptions extends ServerOptions, ServerHooks {
  readonly sources: SourceInput | readonly SourceInput[]
  /** Of Fastify: where the plugin is mounted. */
  readonly prefix?: string
  /** Of Fastify. */
  readonly logLevel?: string
}

/** Opens the sources when the app gets ready, closes them with it. Rejects as openTileServer does. */
export async function flagstoneFastify(
  app: FastifyInstance,
  { sources, prefix: _, logLevel: __, ...options }: FlagstoneFastifyOptions,
): Promise<void> {
  const { core, close } = await openTileServer(sources, options)
  app.addHook('onClose', close)
  // bodies are ours to read and to limit; this holds inside the plugin only
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  const mounted = app.prefix
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const query = new NodeQuery(request.raw, reply.raw, request.raw.url!.slice(mounted.length), mounted)
    const answer = await core.answer(query)
    if (answer.isElsewhere === true) {
      reply.callNotFound()
      return reply
    }
    return send(reply, answer, query.method, (error) => core.report(query, error))
  }
  app.all('/*', handler)
  if (mounted !== '') app.all('/', handler)
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
