// Stopping a server so that no request is dropped: nothing new is accepted, answers under way are finished and say
// 'Connection: close', connections without a request are closed.
//
// A client that keeps its connection may be sending the next request at the very moment we close it, and would see it
// dropped. So idle connections get a short while to send one, which is answered, and only then are closed.
import type { Server as HttpServer, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import { Server as NetServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

const IDLE_MS = 500
const SWEEP_MS = 50

export class Drain {
  readonly #server: HttpServer | HttpsServer
  readonly #sockets = new Set<Socket>()
  readonly #closed: Promise<unknown>
  #deaf: Promise<void> | undefined
  #isClosing = false

  constructor(server: HttpServer | HttpsServer) {
    this.#server = server
    this.#closed = new Promise((resolve) => server.once('close', resolve))
    // those in a TLS handshake too, of which http knows nothing
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** For each response before it is begun. */
  note(response: ServerResponse): void {
    if (this.#isClosing) response.shouldKeepAlive = false
  }

  /** Nobody new gets in; those that are in notice nothing yet. */
  async stopAccepting(): Promise<void> {
    this.#deaf ??= this.#stopListening()
    await this.#deaf
  }

  /** Resolves when every connection is closed, after `limitMs` at the latest. */
  async close(limitMs: number): Promise<void> {
    // who is told 'Connection: close' comes again at once, and must find the port closed, not be left in its backlog
    await this.stopAccepting()
    this.#isClosing = true
    const begun = performance.now()
    const sweep = setInterval(() => {
      const ms = performance.now() - begun
      // behind the reading of what has come: a busy machine may have kept us from it for longer than IDLE_MS
      if (ms >= IDLE_MS) setImmediate(() => this.#server.closeIdleConnections())
      if (ms >= limitMs) for (const socket of this.#sockets) socket.destroy()
    }, SWEEP_MS)
    await this.#closed
    clearInterval(sweep)
    // stops http's own timer, which net's close() knows nothing of
    this.#server.close()
  }

  async #stopListening(): Promise<void> {
    // what waits in the backlog is accepted in a turn of the event loop; closing the socket would reset it
    await turn()
    // http's own close() closes idle connections at once
    NetServer.prototype.close.call(this.#server)
  }
}
