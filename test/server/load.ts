// Clients that ask for tiles without a pause while a test changes files under the server.
import { Agent, get } from 'node:http'
import { within } from '../helpers/waiting.js'
import { editionOf } from './tile-files.js'

export interface Answered {
  readonly status: number
  readonly bytes: Buffer
  readonly etag: string | undefined
  readonly type: string | undefined
}

/** Rejects when the connection breaks or the body is cut off. */
export function fetchTile(url: string, agent: Agent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        const bytes = Buffer.concat(chunks)
        if (!response.complete) reject(new Error(`an answer of ${bytes.length} bytes was cut off`))
        else resolve({ status, bytes, etag: headers.etag, type: headers['content-type'] })
      })
    }).on('error', reject)
  })
}

export interface Seen {
  readonly answers: number
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>
  readonly editions: ReadonlySet<number>
  /** Answers that are not wholly of one edition, tags that stand for two, errors that are no sentence. */
  readonly wrong: readonly string[]
}

export interface Load {
  /** Editions seen so far. */
  readonly editions: ReadonlySet<number>
  readonly answers: number
  stop(): Promise<Seen>
}

/** `clients` ask for the tiles of zoom 2 of all sources in turn. */
export function startLoad(url: string, ids: readonly string[], clients = 12): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const statuses = new Map<number, number>()
  const editions = new Set<number>()
  const tags = new Map<string, string>()
  const wrong: string[] = []
  let answers = 0
  let isOver = false
  const check = (path: string, [x, y]: readonly [number, number], answer: Answered): void => {
    const { status, bytes, etag } = answer
    answers++
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (status !== 200) {
      const sentence = /^\{"error":"[A-Z'][^"]+\."\}\n$/.test(bytes.toString())
      if (!sentence) wrong.push(`${path}: ${status} ${bytes.toString().slice(0, 200)}`)
      return
    }
    const edition = editionOf(bytes, 2, x, y)
    if (edition === undefined) {
      wrong.push(`${path}: ${bytes.length} bytes beginning '${bytes.toString('latin1', 0, 40)}'`)
      return
    }
    editions.add(edition)
    const key = `${path} ${etag}`
    if (etag === undefined || (tags.get(key) ?? `${edition}`) !== `${edition}`)
      wrong.push(`${key}: ${edition}`)
    tags.set(key, `${edition}`)
  }
  const client = async (first: number): Promise<void> => {
    for (let n = first; !isOver; n += 7) {
      const [x, y] = [n & 3, (n >> 2) & 3] as const
      const path = `/${ids[n % ids.length]}/2/${x}/${y}`
      try {
        check(path, [x, y], await fetchTile(url + path, agent))
      } catch (error) {
        wrong.push(`${path}: ${(error as Error).message}`)
      }
    }
  }
  const running = Promise.all(Array.from({ length: clients }, (_, i) => client(i)))
  return {
    editions,
    get answers() {
      return answers
    },
    async stop() {
      isOver = true
      await within('the last answers', running)
      agent.destroy()
      return { answers, statuses, editions, wrong }
    },
  }
}
