// Several server processes behind one port (node:cluster): this process starts them, replaces those that die, sums up
// their numbers and stops them. It serves nothing itself. The page cache is shared because all map the same files.
//
// Invariants: there are `count` workers, or one is about to be started; a worker that was told to stop is not replaced;
// a replacement listens before the one it replaces stops.
import cluster, { type Worker } from 'node:cluster'
import { existsSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { beside } from '../../beside.js'
import { FlagstoneError } from '../../errors.js'
import { gentleLoader, hasFewDescriptors } from '../../platform/descriptors.js'
import { parseOptions } from '../../store/options.js'
import type { MetricsSnapshot } from '../metrics/metrics.js'
import { freePort } from './listen.js'
import { listenOptions } from './listen-options.js'
import type { Running, ServeJob, ServeState } from './serve.js'
import type { FromWorker, ToWorker } from './worker-messages.js'

/** A worker that never listened died at its start, and so did one that listened for no longer than this. */
const QUICK_MS = 5000
/** Deaths at the start, in a row and for each worker, after which another try would be no better. */
const QUICK_DEATHS = 3
const LONGEST_PAUSE_MS = 2000
/** Less than what Prometheus gives us (10 s): a worker that is late is no reason for a sum without it. */
const ANSWER_MS = 5000
/** Between the same signal's arrival here and there. */
const SIGNAL_MS = 100
/** On top of what a worker takes for its own end. */
const KILL_MS = 2000

/**
 * @param note told in a sentence what became of a worker
 * @throws as openTileServer and listen
 */
export async function supervise(
  count: number,
  job: ServeJob,
  note: (sentence: string) => void,
): Promise<Running> {
  const { host, port, shutdownMs } = parseOptions(listenOptions, job.listen, 'listen option')
  // every worker gets the same number, also one that is started when all others are dead
  const listen = { ...job.listen, port: await freePort(host, port) }
  const script = fileURLToPath(beside('server/run/worker.js'))
  if (!existsSync(script)) {
    throw new FlagstoneError(
      'UNSUPPORTED_PLATFORM',
      'The script of the server processes is missing: flagstone was probably put into a bundle. Leave it out of the bundle, or serve with one process.',
      { path: script },
    )
  }
  const gently = `import { register } from 'node:module'; register(${JSON.stringify(gentleLoader())})`
  const loader = hasFewDescriptors() ? ['--import', `data:text/javascript,${encodeURIComponent(gently)}`] : []
  cluster.setupPrimary({ exec: script, args: [], execArgv: [...process.execArgv, ...loader] })
  const crew = new Crew(count, { ...job, listen }, shutdownMs, note)
  const states = await Promise.all(Array.from({ length: count }, () => crew.start())).catch(async (error) => {
    await crew.close()
    throw error
  })
  return {
    ...states[0]!,
    failed: crew.failed,
    reload: () => crew.reload(),
    close: () => crew.close(),
  }
}

/** For one worker and its replacements. */
interface WorkerPlace {
  hasBegun: boolean
  readonly listens: (state: ServeState) => void
  readonly refuses: (error: FlagstoneError) => void
}

/** Of a worker that nobody waits for: it is tried again and again. */
const FOREVER: WorkerPlace = { hasBegun: true, listens: () => {}, refuses: () => {} }

class Crew {
  readonly failed: Promise<never>
  readonly #count: number
  readonly #job: ServeJob
  readonly #shutdownMs: number
  readonly #note: (sentence: string) => void
  readonly #working = new Set<Worker>()
  /** Those that can be reached by clients, leaving or not. */
  readonly #listening = new Set<Worker>()
  /** Workers that were told to stop and have not ended yet. */
  readonly #leaving = new Set<Worker>()
  #giveUp: (error: FlagstoneError) => void = () => {}
  #quickDeaths = 0
  #isClosing = false

  constructor(count: number, job: ServeJob, shutdownMs: number, note: (sentence: string) => void) {
    this.#count = count
    this.#job = job
    this.#shutdownMs = shutdownMs
    this.#note = note
    this.failed = new Promise((_, reject) => {
      this.#giveUp = reject
    })
    // the promise of the start rejects too
    this.failed.catch(() => {})
  }

  /** Resolves when a new worker listens, be it the second after one that died. Rejects when it says that it cannot. */
  start(): Promise<ServeState> {
    const begun = new Promise<ServeState>((listens, refuses) => {
      this.#fork({ hasBegun: false, listens, refuses })
    })
    return Promise.race([this.failed, begun])
  }

  #fork(place: WorkerPlace): void {
    const worker = cluster.fork()
    let listeningSince: number | undefined
    let why: string | undefined
    this.#working.add(worker)
    worker.on('message', (message: FromWorker) => {
      // what is sent before its modules are loaded would be lost
      if (message.kind === 'ready') tell(worker, { kind: 'start', job: this.#job })
      else if (message.kind === 'listening') {
        this.#listening.add(worker)
        listeningSince = performance.now()
        place.hasBegun = true
        place.listens(message.state)
      } else if (message.kind === 'failed') {
        why = message.message
        place.refuses(new FlagstoneError(message.code, message.message, { path: message.path }))
      } else if (message.kind === 'others') void this.#others(worker, message.ask)
      else if (message.kind === 'signalled') void this.#letGo(worker)
    })
    // its channel may break in the middle of a message; its exit says it all
    worker.on('error', () => {})
    worker.once('exit', (code, signal) => {
      this.#working.delete(worker)
      this.#listening.delete(worker)
      const wasTold = this.#leaving.delete(worker)
      const wasRefused = why !== undefined && !place.hasBegun
      if (wasTold || wasRefused || this.#isClosing) return
      const how = why ?? signal ?? `exit code ${code}`
      // however long the start took: on a busy machine that is many seconds
      const servedMs = listeningSince === undefined ? 0 : performance.now() - listeningSince
      void this.#replace(`Worker ${worker.process.pid} ended (${how})`, servedMs, () => this.#fork(place))
    })
  }

  /** At once after a long life; else after a pause that doubles, until it is given up (not while another serves). */
  async #replace(what: string, servedMs: number, fork: () => void): Promise<void> {
    this.#quickDeaths = servedMs < QUICK_MS ? this.#quickDeaths + 1 : 0
    if (this.#quickDeaths > QUICK_DEATHS * this.#count && this.#listening.size === 0) {
      this.#giveUp(
        new FlagstoneError(
          'SYSTEM',
          `${what}, as ${this.#quickDeaths - 1} others before it at their start: the server gives up. The messages above say why.`,
        ),
      )
      return
    }
    this.#note(`${what}; a new worker replaces it.`)
    if (this.#quickDeaths > 1)
      await after(Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(this.#quickDeaths, 10)))
    if (!this.#isClosing) fork()
  }

  async reload(): Promise<void> {
    for (const old of [...this.#working]) await this.#relieve(old)
  }

  /** A signal that only one worker got. */
  async #letGo(worker: Worker): Promise<void> {
    // a terminal signals us too, and then nobody is to be replaced
    await after(SIGNAL_MS)
    await this.#relieve(worker).catch((error: Error) => this.#note(`Not replaced: ${error.message}`))
  }

  /** It serves until another does; when none can, it goes on. */
  async #relieve(old: Worker): Promise<void> {
    if (this.#isClosing || !this.#working.delete(old)) return
    this.#leaving.add(old)
    try {
      await this.start()
    } catch (error) {
      this.#leaving.delete(old)
      if (!old.isDead()) this.#working.add(old)
      // it went while we tried, and nobody was to take its place
      else void this.#replace(`Worker ${old.process.pid} ended`, 0, () => this.#fork(FOREVER))
      throw error
    }
    void this.#dismiss(old)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const workers = [...this.#working, ...this.#leaving]
    // The port is closed when nobody listens any more, and only then are clients sent away: they come again at once.
    await Promise.all([...this.#listening].map((worker) => asked(worker, { kind: 'stopAccepting' }, isDeaf)))
    await Promise.all(workers.map((worker) => this.#dismiss(worker)))
  }

  /** Resolves when it has ended. */
  async #dismiss(worker: Worker): Promise<void> {
    if (worker.isDead()) return
    this.#leaving.add(worker)
    const gone = new Promise((resolve) => worker.once('exit', resolve))
    // a worker that does not listen yet serves nobody, and may not receive messages
    if (this.#listening.has(worker)) tell(worker, { kind: 'stop' })
    else worker.process.kill('SIGKILL')
    const kill = setTimeout(() => worker.process.kill('SIGKILL'), this.#shutdownMs + KILL_MS)
    await gone
    clearTimeout(kill)
  }

  /** What the other workers counted; one that does not answer is left out. */
  async #others(asker: Worker, ask: number): Promise<void> {
    const others = [...this.#working, ...this.#leaving].filter(
      (worker) => worker !== asker && worker.isConnected(),
    )
    const answers = await Promise.all(others.map(countOf))
    tell(asker, { kind: 'others', ask, snapshots: answers.filter((answer) => answer !== undefined) })
  }
}

let counts = 0

async function countOf(worker: Worker): Promise<MetricsSnapshot | undefined> {
  const ask = ++counts
  const answer = await asked(worker, { kind: 'count', ask }, (m) => m.kind === 'counted' && m.ask === ask)
  return answer?.kind === 'counted' ? answer.snapshot : undefined
}

const isDeaf = ({ kind }: FromWorker): boolean => kind === 'deaf'

/** A worker's reply; undefined when it ends or takes too long. */
function asked(
  worker: Worker,
  message: ToWorker,
  isAnswer: (message: FromWorker) => boolean,
): Promise<FromWorker | undefined> {
  return new Promise((resolve) => {
    const done = (answer?: FromWorker): void => {
      clearTimeout(late)
      worker.off('message', hear)
      worker.off('exit', gone)
      resolve(answer)
    }
    const gone = (): void => done()
    const hear = (answer: FromWorker): void => {
      if (isAnswer(answer)) done(answer)
    }
    const late = setTimeout(done, ANSWER_MS)
    worker.on('message', hear)
    worker.once('exit', gone)
    tell(worker, message)
    if (worker.isDead()) done()
  })
}

function tell(worker: Worker, message: ToWorker): void {
  // the callback takes the error of a channel that closes just now
  if (worker.isConnected()) worker.send(message, () => {})
}
