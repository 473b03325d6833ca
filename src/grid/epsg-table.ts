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
  /** Section and line of each code. */
  readonly rows: ReadonlyMap<number, readonly [section: number, line: string]>
  readonly conversions: readonly string[]
  /** Of EPSG's conversions. */
  readonly conversionOf: ReadonlyMap<number, string>
}

const [GEOGRAPHIC, CONVERSIONS, PROJECTED, COMPOUND] = [0, 1, 2, 3]

let table: Table | undefined

export function epsgText(): string {
  return brotliDecompressSync(Buffer.from(EPSG_DATA, 'base64')).toString('latin1')
}

function unpacked(): Table {
  if (table !== undefined) return table
  const rows = new Map<number, readonly [number, string]>()
  const conversions: string[] = []
  const conversionOf = new Map<number, string>()
  for (const [section, text] of epsgText().split('\n\n').entries()) {
    for (const line of text.split('\n')) {
      const tab = line.indexOf('\t')
      const code = Number(tab < 0 ? line : line.slice(0, tab))
      if (section !== CONVERSIONS) rows.set(code, [section, line])
      else {
        const conversion = line.slice(tab + 1)
        conversions.push(conversion)
        if (code > 0) conversionOf.set(code, conversion)
      }
    }
  }
  table = { rows, conversions, conversionOf }
  return table
}

/** Undefined for a code that is not in the table. */
export function epsgRow(code: number): EpsgRow | undefined {
  const { rows, conversions } = unpacked()
  const found = rows.get(code)
  if (found === undefined) return undefined
  const [section, line] = found
  const [, , a = '', b = '', c = '', d = '', e = ''] = line.split('\t')
  switch (section) {
    case GEOGRAPHIC:
      return {
        kind: 'geographic',
        figure: a,
        degrees: b === '' ? 1 : Number(b),
        datum: c === '' ? code : Number(c),
        centre: centreOf(d),
        heightMetres: e === '' ? undefined : Number(e),
      }
    case PROJECTED:
      return {
        kind: 'projected',
        base: a.startsWith('+') ? a : Number(a),
        conversion: conversions[Number(b)]!,
        unit: unitText(c),
        axis: d === '' ? '' : ` +axis=${d}u`,
        centre: centreOf(e),
      }
    case COMPOUND:
      return { kind: 'compound', horizontal: Number(a), heightMetres: Number(b) }
    default:
      return { kind: 'vertical', heightMetres: Number(line.split('\t')[1] ?? 1) }
  }
}

const centreOf = (text: string): Centre | undefined =>
  text === '' ? undefined : (text.split(' ').map(Number) as unknown as Centre)

function unitText(unit: string): string {
  if (unit === '') return '+units=m'
  return Object.hasOwn(UNITS, unit) ? `+units=${unit}` : `+to_meter=${unit}`
}

/** The projection of EPSG's conversion `code`: '+proj=… +x_0=… +y_0=…', in metres; undefined when it is not known. */
export const epsgConversion = (code: number): string | undefined => unpacked().conversionOf.get(code)

/** Codes by name without marks (`nameKey`), of systems of maps, and of longitudes and latitudes. */
export function epsgNames(): ReadonlyMap<string, number> {
  const names = new Map<string, number>()
  for (const [code, [section, line]] of unpacked().rows) {
    if (section !== GEOGRAPHIC && section !== PROJECTED) continue
    for (const name of (line.split('\t')[1] ?? '').split(' ')) if (name !== '') names.set(name, code)
  }
  return names
}

/** Every conversion's code, for tests. */
export const epsgConversionCodes = (): number[] => [...unpacked().conversionOf.keys()]

/** Every code, for tests. */
export const epsgCodes = (): number[] => [...unpacked().rows.keys()]
