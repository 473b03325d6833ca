// The pmtiles package as a judge: an archive read as any client reads it.
import { closeSync, openSync, readSync } from 'node:fs'
import { PMTiles, type RangeResponse, type Source } from 'pmtiles'

class LocalFile implements Source {
  readonly #path: string
  readonly #fd: number
  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, 'r')
  }
  getKey(): string {
    return this.#path
  }
  async getBytes(offset: number, length: number): Promise<RangeResponse> {
    const bytes = Buffer.alloc(length)
    const n = readSync(this.#fd, bytes, 0, length, offset)
    return { data: new Uint8Array(bytes.subarray(0, n)).buffer }
  }
  close(): void {
    closeSync(this.#fd)
  }
}

export interface Peer {
  readonly archive: PMTiles
  /** undefined: no such tile. */
  get(z: number, x: number, y: number): Promise<Uint8Array | undefined>
  close(): void
}

export function openPeer(path: string): Peer {
  const source = new LocalFile(path)
  const archive = new PMTiles(source)
  return {
    archive,
    get: async (z, x, y) => {
      const found = await archive.getZxy(z, x, y)
      return found && new Uint8Array(found.data)
    },
    close: () => source.close(),
  }
}
