// The sources of a file that may be growing, read when they are asked for and kept until they change.
import { FlagstoneError } from '../../errors.js'
import type { SourceRecord } from '../../format/sources/record.js'
import type { Superblock } from '../../format/superblock/fields.js'
import { readSources } from '../file/whole.js'
import { MOVED, type ReadSession } from './session.js'
import { SourcePlaces, type SourcesQuery } from './sources-at.js'

type Place = Superblock['sources']

export class SourcesNow {
  readonly #session: ReadSession
  #place: Place
  #records: readonly SourceRecord[] = []
  /** What was wrong with those at #place: finding it again takes as long as reading them. */
  #damage: unknown
  #places: SourcePlaces | undefined

  constructor(session: ReadSession) {
    this.#session = session
  }

  /** @throws DAMAGED when they are not what they should be */
  all(): readonly SourceRecord[] {
    const session = this.#session
    session.inOneEpoch(() => {
      session.refreshIfChanged()
      const { superblock } = session
      if (isSame(superblock.sources, this.#place)) return undefined
      let records: readonly SourceRecord[] | undefined
      let failure: unknown
      try {
        records = readSources(session.file, superblock)
      } catch (error) {
        failure = error
      }
      if (session.hasMoved()) return MOVED
      if (failure !== undefined && !isDamage(failure)) throw failure
      this.#records = records ?? []
      this.#damage = failure
      this.#place = superblock.sources
      this.#places = undefined
      return undefined
    })
    if (this.#damage !== undefined) throw this.#damage
    return this.#records
  }

  /** @throws DAMAGED when they are not what they should be */
  at(query: SourcesQuery): SourceRecord[] {
    const records = this.all()
    this.#places ??= new SourcePlaces(records)
    return this.#places.at(query)
  }
}

const isDamage = (error: unknown): boolean => error instanceof FlagstoneError && error.code === 'DAMAGED'

/** Values are never overwritten, so the same place holds the same sources. */
const isSame = (a: Place, b: Place): boolean =>
  a?.offset === b?.offset && a?.length === b?.length && a?.crc === b?.crc
