// One entry of a list of sources as it is written there, and errors that say where.
import { FlagstoneError } from '../../../errors.js'

export interface Entry {
  /** Where it is, for messages: 'feature 3 (line 17)', 'line 4'. */
  readonly place: () => string
  readonly values: Readonly<Record<string, unknown>>
  /** The id of the feature itself. */
  readonly id?: string
  /** The area of the image, as GeoJSON; undefined when there is none. @throws BAD_OPTION */
  readonly outline: () => object | undefined
}

/** What the list's `asset` may be left to: colours to look at, or the data themselves. */
export type Prefers = 'visual' | 'data'

export const badList = (list: string, what: string): FlagstoneError =>
  new FlagstoneError('BAD_OPTION', `${list} ${what}.`, { path: list })

export const MAX_ENTRIES = 250_000
export const tooMany = (list: string): FlagstoneError =>
  badList(list, `names more than ${MAX_ENTRIES} sources; divide it`)

export const badEntry = (list: string, place: string, what: string): FlagstoneError =>
  new FlagstoneError('BAD_OPTION', `${list}, ${place}: ${what}.`, { path: list })

export type Json = Readonly<Record<string, unknown>>
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
