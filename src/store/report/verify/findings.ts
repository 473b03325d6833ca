import type { TileType } from '../../../format/tile-type.js'

/** The result of one check. */
export interface Finding {
  /**
   * 'F1' … of formats/flat-1.md; 'P1' … for foreign PMTiles archives; 'MBTiles' or 'z/x/y'; 'read' and 'decode' for
   * what cannot be read or decoded.
   */
  invariant: string
  /** Whether it holds. */
  ok: boolean
  /** What is wrong or, if it holds, what was checked. */
  message: string
  /** Position in the file, bytes, where it is meaningful. */
  where?: number | undefined
}

export interface VerifyOptions {
  /** Also check the values (F13, P5). Default true. */
  contents?: boolean
  /**
   * Called for every distinct-looking value that passed. A returned sentence becomes a finding (invariant 'decode').
   */
  decode?: (bytes: Uint8Array, type: TileType, tile: readonly [number, number, number]) => string | undefined
  onProgress?: (recordsDone: number, records: number) => void
  /** Number of findings of one invariant that are listed; the rest are counted. Default 10. */
  limit?: number
}

/** Collects findings, up to a limit for each invariant. */
export class Report {
  readonly #limit: number
  readonly #bad = new Map<string, { message: string; where: number | undefined }[]>()
  readonly #counts = new Map<string, number>()
  readonly #good = new Map<string, string>()
  /** The invariant being checked. An error that is thrown meanwhile becomes its finding. */
  current = 'F1'

  constructor(limit: number) {
    this.#limit = limit
  }

  bad(invariant: string, message: string, where?: number): void {
    const list = this.#bad.get(invariant) ?? []
    this.#bad.set(invariant, list)
    this.#counts.set(invariant, (this.#counts.get(invariant) ?? 0) + 1)
    if (list.length < this.#limit) list.push({ message, where })
  }

  /** The message of an invariant if nothing bad is found. */
  good(invariant: string, message: string): void {
    this.#good.set(invariant, message)
  }

  check(invariant: string, ok: boolean, message: string, where?: number): void {
    if (!ok) this.bad(invariant, message, where)
  }

  findings(): Finding[] {
    const names = new Set([...this.#good.keys(), ...this.#bad.keys()])
    return [...names].sort(byNumber).flatMap((invariant) => {
      const bad = this.#bad.get(invariant)
      if (bad === undefined) return [{ invariant, ok: true, message: this.#good.get(invariant)! }]
      const findings: Finding[] = bad.map((b) => ({ invariant, ok: false, ...b }))
      const more = this.#counts.get(invariant)! - bad.length
      if (more > 0) findings.push({ invariant, ok: false, message: `and ${more} more of the same` })
      return findings
    })
  }
}

function byNumber(a: string, b: string): number {
  return a[0] === b[0] ? Number(a.slice(1)) - Number(b.slice(1)) : a < b ? -1 : 1
}
