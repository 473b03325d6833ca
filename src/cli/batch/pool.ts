// The processes that run jobs. A job that crashes or runs out of memory takes only its own process with it. A process
// runs many jobs, one after another, because starting one takes longer than a small job.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Verdict } from '../../batch/report.js'
import type { JobProgress } from '../../batch/run.js'
import { beside } from '../../beside.js'
import { gentleLoader, hasFewDescriptors } from '../../platform/descriptors.js'
import type { FromWorker, ToWorker } from './messages.js'

/** What a process may keep after a job; one that keeps more is replaced. A fresh one has about 100 MB. */
const MOST_KEPT_BYTES = 400 * 2 ** 20
const LEAST_KEPT_BYTES = 160 * 2 ** 20
const MESSAGE_CHARACTERS = 4096

/** As bin.ts does for itself. */
function loaderOf(): string[] {
  if (!hasFewDescriptors()) return []
  const gently = `import { register } from 'node:module'; register(${JSON.stringify(gentleLoader())})`
  return ['--import', `data:text/javascript,${encodeURIComponent(gently)}`]
}

class Worker {
  readonly process: ChildProcess
  /** The end of what it wrote by itself: the last words of a crash. */
  words = ''
  /** What is sent before its modules are loaded would be lost. */
  #waiting: ToWorker[] | undefined = []

  constructor(folder: string, lockFd: number) {
    this.process = fork(fileURLToPath(beside('cli/batch/worker.js')), [], {
      cwd: folder,
      execArgv: loaderOf(),
      // the lock of the state is free when the last process of the batch is gone
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', lockFd],
    })
    for (const stream of [this.process.stdout!, this.process.stderr!])
      stream.on('data', (chunk: Buffer) => {
        this.words = (this.words + chunk.toString()).slice(-MESSAGE_CHARACTERS)
      })
    this.process.once('message', () => {
      const waiting = this.#waiting ?? []
      this.#waiting = undefined
      for (const message of waiting) this.tell(message)
    })
  }

  tell(message: ToWorker): void {
    if (this.#waiting !== undefined) this.#waiting.push(message)
    // the callback takes the error of a channel that closes just now
    else if (this.process.connected) this.process.send(message, () => {})
  }
}

export class WorkerPool {
  readonly #folder: string
  readonly #lockFd: number
  readonly #keptBytes: number
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  #isAborted = false

  /**
   * @param folder where relative paths of jobs start
   * @param lockFd passed on to each process
   * @param shareBytes memory for each job
   */
  constructor(folder: string, lockFd: number, shareBytes: number) {
    this.#folder = folder
    this.#lockFd = lockFd
    this.#keptBytes = Math.max(LEAST_KEPT_BYTES, Math.min(MOST_KEPT_BYTES, shareBytes / 2))
  }

  async run(argv: readonly string[], onProgress: (progress: JobProgress) => void): Promise<Verdict> {
    const began = performance.now()
    const worker = this.#idle.pop() ?? this.#start()
    const verdict = await new Promise<Omit<Verdict, 'seconds'>>((resolve) => {
      const hear = (message: FromWorker): void => {
        if (message.kind === 'progress') onProgress(message.progress)
        if (message.kind !== 'ended') return
        done(message.verdict)
        if (message.memory > this.#keptBytes) this.#dismiss(worker)
        else this.#idle.push(worker)
      }
      const fail = (error: Error): void => done({ exitCode: undefined, message: error.message })
      const gone = (code: number | null, signal: string | null): void => done(crashed(worker, code, signal))
      const done = (found: Omit<Verdict, 'seconds'>): void => {
        worker.process.off('message', hear).off('error', fail).off('close', gone)
        resolve(found)
      }
      worker.process.on('message', hear).on('error', fail).on('close', gone)
      worker.tell({ kind: 'run', argv })
      if (this.#isAborted) worker.tell({ kind: 'abort' })
    })
    return { ...verdict, seconds: (performance.now() - began) / 1000 }
  }

  /** Asks the running jobs to stop. */
  abort(): void {
    this.#isAborted = true
    for (const worker of this.#all) worker.tell({ kind: 'abort' })
  }

  /** Ends all processes at once. */
  kill(): void {
    for (const worker of this.#all) worker.process.kill('SIGKILL')
  }

  /** Ends the processes, which have no jobs any more. */
  async close(): Promise<void> {
    const gone = [...this.#all].map(({ process: child }) =>
      child.exitCode !== null || child.signalCode !== null
        ? undefined
        : new Promise((resolve) => child.once('exit', resolve)),
    )
    for (const worker of this.#all) this.#dismiss(worker)
    await Promise.all(gone)
  }

  #start(): Worker {
    const worker = new Worker(this.#folder, this.#lockFd)
    this.#all.add(worker)
    const forget = (): void => {
      this.#all.delete(worker)
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
    }
    worker.process.once('exit', forget)
    worker.process.on('error', forget)
    return worker
  }

  #dismiss(worker: Worker): void {
    if (worker.process.connected) worker.process.disconnect()
  }
}

function crashed(worker: Worker, code: number | null, signal: string | null): Omit<Verdict, 'seconds'> {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
  const advice = signal === 'SIGKILL' || signal === 'SIGABRT' ? '; it may have run out of memory' : ''
  return {
    exitCode: undefined,
    message: `The process of this job ${how}${advice}.`,
    ...(worker.words === '' ? {} : { stderr: worker.words }),
  }
}
