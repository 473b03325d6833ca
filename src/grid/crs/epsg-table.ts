// EPSG's and ESRI's coordinate systems as rows, unpacked at the first look-up (about 10 ms).
//
// The text has five sections, separated by empty lines. A row is a line; its columns are separated by tabs, and empty
// columns at the end are omitted. It holds the codes of both authorities, and EPSG's where both use the same number.
// scripts/crs/make.ts generates it from PROJ's database. It includes deprecated systems, and leaves out those that are
// not supported.
import { brotliDecompressSync } from 'node:zlib'
import { EPSG_DATA } from './epsg-data.js'
import { UNITS } from './geodesy.js'

export interface GeographicRow {
  readonly kind: 'geographic'
  /** '+ellps=… +pm=…'. */
  readonly figure: string
  /** Degrees per unit. */
  readonly degrees: number
  /** Code of the geographic system whose shift to WGS 84 it shares. */
  readonly datum: number
  /** Centre of its area of use, where shifts differ by place. */
  readonly centre: Centre | undefined
  /** Metres per unit of height, where it has heights. */
  readonly heightMetres: number | undefined
}

export interface ProjectedRow {
  readonly kind: 'projected'
  /** Code of its geographic system. A few have only a figure, '+a=… +rf=…'. */
  readonly base: number | string
  /** '+proj=… +x_0=… +y_0=…'. */
  readonly conversion: string
  /** '+units=us-ft', '+to_meter=…' or '+units=m'. */
  readonly unit: string
  /** ' +axis=…' (with the leading space) for systems that count west or south, else empty. */
  readonly axis: string
  readonly centre: Centre | undefined
}

export interface CompoundRow {
  readonly kind: 'compound'
  readonly horizontal: number
  readonly heightMetres: number
}

export interface VerticalRow {
  readonly kind: 'vertical'
  readonly heightMetres: number
}

export type EpsgRow = GeographicRow | ProjectedRow | CompoundRow | VerticalRow

/** Degrees. */
type Centre = readonly [lon: number, lat: number]

interface Table {
  /** In each, every line has a line break before and after it. */
  readonly sections: readonly string[]
  readonly conversions: readonly string[]
}

const [GEOGRAPHIC, CONVERSIONS, PROJECTED, COMPOUND] = [0, 1, 2, 3] as const

let table: Table | undefined

export function epsgText(): string {
  return brotliDecompressSync(Buffer.from(EPSG_DATA, 'base64')).toString('latin1')
}

function unpacked(): Table {
  if (table === undefined) {
    const sections = epsgText()
      .split('\n\n')
      .map((text) => `\n${text}\n`)
    table = { sections, conversions: linesOf(sections[CONVERSIONS]!) }
  }
  return table
}

const linesOf = (section: string): string[] => section.slice(1, -1).split('\n')

/** The line that begins with a code. Searching the text is faster than splitting all of it. */
function lineOf(section: string, code: number): string | undefined {
  let at = section.indexOf(`\n${code}\t`)
  if (at < 0) at = section.indexOf(`\n${code}\n`)
  return at < 0 ? undefined : section.slice(at + 1, section.indexOf('\n', at + 1))
}

/** The row of a code; undefined when the table does not have it. */
export function epsgRow(code: number): EpsgRow | undefined {
  const { sections, conversions } = unpacked()
  for (const [section, text] of sections.entries()) {
    const line = section === CONVERSIONS ? undefined : lineOf(text, code)
    if (line !== undefined) return rowOf(section, line, conversions)
  }
  return undefined
}

function rowOf(section: number, line: string, conversions: readonly string[]): EpsgRow {
  const [code, name, a = '', b = '', c = '', d = '', e = ''] = line.split('\t')
  switch (section) {
    case GEOGRAPHIC:
      return {
        kind: 'geographic',
        figure: a,
        degrees: b === '' ? 1 : Number(b),
        datum: Number(c === '' ? code : c),
        centre: centreOf(d),
        heightMetres: e === '' ? undefined : Number(e),
      }
    case PROJECTED:
      return {
        kind: 'projected',
        base: a.startsWith('+') ? a : Number(a),
        conversion: conversions[Number(b)]!.replace(/^\d*\t/, ''),
        unit: unitText(c),
        axis: d === '' ? '' : ` +axis=${d}u`,
        centre: centreOf(e),
      }
    case COMPOUND:
      return { kind: 'compound', horizontal: Number(a), heightMetres: Number(b) }
    default:
      return { kind: 'vertical', heightMetres: Number(name ?? 1) }
  }
}

const centreOf = (text: string): Centre | undefined =>
  text === '' ? undefined : (text.split(' ').map(Number) as unknown as Centre)

function unitText(unit: string): string {
  if (unit === '') return '+units=m'
  return Object.hasOwn(UNITS, unit) ? `+units=${unit}` : `+to_meter=${unit}`
}

/** The projection of the EPSG conversion `code` as '+proj=… +x_0=… +y_0=…', in metres; undefined when it is unknown. */
export const epsgConversion = (code: number): string | undefined =>
  lineOf(unpacked().sections[CONVERSIONS]!, code)?.split('\t')[1]

/** Codes of the projected and geographic systems by name key (`nameKey`). */
export function epsgNames(): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const section of [GEOGRAPHIC, PROJECTED]) {
    for (const line of linesOf(unpacked().sections[section]!)) {
      const [code, names = ''] = line.split('\t')
      for (const name of names.split(' ')) if (name !== '') found.set(name, Number(code))
    }
  }
  return found
}

const codesOf = (section: string): number[] => linesOf(section).map((line) => Number(line.split('\t')[0]))

/** The codes of all conversions, for tests. */
export const epsgConversionCodes = (): number[] =>
  codesOf(unpacked().sections[CONVERSIONS]!).filter((code) => code > 0)

/** The codes of all systems, for tests. */
export const epsgCodes = (): number[] =>
  unpacked().sections.flatMap((text, section) => (section === CONVERSIONS ? [] : codesOf(text)))
