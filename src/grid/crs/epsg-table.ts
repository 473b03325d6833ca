// EPSG's and ESRI's coordinate systems as rows, unpacked when the first code is asked for (about 10 ms).
//
// The text has five sections, split by empty lines; a row is a line, its columns are split by tabs, and empty columns
// at its end are left out. Codes are those of both authorities together, EPSG's first where both use a number.
// scripts/crs/make.ts makes it from PROJ's database; deprecated systems are in it, what we cannot compute is not.
import { brotliDecompressSync } from 'node:zlib'
import { EPSG_DATA } from './epsg-data.js'
import { UNITS } from './geodesy.js'

export interface GeographicRow {
  readonly kind: 'geographic'
  /** '+ellps=… +pm=…'. */
  readonly figure: string
  /** Degrees a unit. */
  readonly degrees: number
  /** Code of the geographic system whose shift to WGS 84 it shares. */
  readonly datum: number
  /** Middle of its area, where shifts differ by place. */
  readonly centre: Centre | undefined
  /** Metres a unit of its heights, of those that have any. */
  readonly heightMetres: number | undefined
}

export interface ProjectedRow {
  readonly kind: 'projected'
  /** Code of its geographic system; of a few there is only its figure, '+a=… +rf=…'. */
  readonly base: number | string
  /** '+proj=… +x_0=… +y_0=…'. */
  readonly conversion: string
  /** '+units=us-ft', '+to_meter=…' or '+units=m'. */
  readonly unit: string
  /** '+axis=…' of systems that count west or south, with a space before it. */
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
  /** Each with a line break before and after every line. */
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

/** The line that begins with a code; searching the text is faster than taking all of it apart. */
function lineOf(section: string, code: number): string | undefined {
  let at = section.indexOf(`\n${code}\t`)
  if (at < 0) at = section.indexOf(`\n${code}\n`)
  return at < 0 ? undefined : section.slice(at + 1, section.indexOf('\n', at + 1))
}

/** Undefined for a code that is not in the table. */
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

/** The projection of EPSG's conversion `code`: '+proj=… +x_0=… +y_0=…', in metres; undefined when it is not known. */
export const epsgConversion = (code: number): string | undefined =>
  lineOf(unpacked().sections[CONVERSIONS]!, code)?.split('\t')[1]

/** Codes by name without marks (`nameKey`), of systems of maps, and of longitudes and latitudes. */
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

/** Every conversion's code, for tests. */
export const epsgConversionCodes = (): number[] =>
  codesOf(unpacked().sections[CONVERSIONS]!).filter((code) => code > 0)

/** Every code, for tests. */
export const epsgCodes = (): number[] =>
  unpacked().sections.flatMap((text, section) => (section === CONVERSIONS ? [] : codesOf(text)))
