// From rows of PROJ's database to the lines of src/grid/crs/epsg-table.ts, which says what they mean.

import { geographicOfName, sameDatum } from '../../src/grid/crs/datum-names.js'
import { hasShift, shiftsDiffer } from '../../src/grid/crs/datum-shifts.js'
import { ELLIPSOIDS, MERIDIANS, UNITS } from '../../src/grid/crs/geodesy.js'
import {
  methodOfName,
  nameKey,
  type ParameterName,
  parameterOfName,
} from '../../src/grid/crs/projection-names.js'
import { projectionText } from '../../src/grid/crs/projections.js'
import { childOf, nameOf, parseWkt } from '../../src/grid/crs/wkt.js'
import { crsOfWkt } from '../../src/grid/crs/wkt-crs.js'
import type { ProjDb, Row } from './proj-db.js'

type Keyed = ReadonlyMap<string, Row>

const keyed = (rows: readonly Row[]): Keyed =>
  new Map(rows.map((row) => [`${row['auth_name']}:${row['code']}`, row]))

const ref = (row: Row, prefix: string): string => `${row[`${prefix}auth_name`]}:${row[`${prefix}code`]}`

/** Twelve digits say a place to a micrometre, and are shorter than what a conversion from degrees leaves. */
const short = (value: number): string => String(Number(value.toPrecision(13)))

/** The tables as text: sections split by an empty line, columns by tabs. */
export function epsgLines(db: ProjDb): string {
  const book = new Book(db)
  const [geographic, conversions, projected] = [book.geographic(), book.conversions(), book.projected()]
  return [geographic, [...conversions, ...book.more], projected, book.compound(), book.vertical()]
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

class Book {
  readonly #db: ProjDb
  readonly #units: Keyed
  readonly #ellipsoids: Keyed
  readonly #meridians: Keyed
  readonly #datums: Keyed
  readonly #conversions: Keyed
  readonly #axes = new Map<string, Row[]>()
  readonly #centres = new Map<string, string>()
  /** Codes and names are said once, by what is EPSG's and of today first. */
  readonly #codes = new Set<number>()
  readonly #epsg: ReadonlySet<number>
  readonly #names = new Set<string>()
  /** By code, of maps that both authorities number alike. */
  readonly #esriNames = new Map<number, string>()
  /** What stands for deprecated rows. */
  readonly #today = new Map<string, ReadonlyMap<Row, Row>>()
  /** Of what is in the table. */
  readonly #geographic = new Map<string, number>()
  /** Figures of deprecated systems that their successors do not have: maps stand on the old one. */
  readonly #before = new Map<number, string>()
  readonly #conversionAt = new Map<string, number>()
  readonly #verticalUnits = new Map<string, number>()

  constructor(db: ProjDb) {
    this.#db = db
    this.#units = keyed(db.units)
    this.#ellipsoids = keyed(db.ellipsoids)
    this.#meridians = keyed(db.meridians)
    this.#datums = keyed(db.datums)
    this.#conversions = keyed(db.conversions)
    for (const table of ['geodetic', 'projected', 'compound', 'vertical'] as const) {
      this.#today.set(table, successors(db, table))
    }
    const maps = new Set(db.projected.filter((row) => row['auth_name'] === 'EPSG').map((row) => row['code']))
    for (const row of db.projected) {
      if (row['auth_name'] === 'ESRI' && maps.has(row['code']!)) {
        this.#esriNames.set(Number(row['code']), String(row['name']))
      }
    }
    const systems = [...db.geodetic, ...db.projected, ...db.compound, ...db.vertical]
    this.#epsg = new Set(
      systems.filter((row) => row['auth_name'] === 'EPSG').map((row) => Number(row['code'])),
    )
    for (const axis of db.axes) {
      const system = ref(axis, 'coordinate_system_')
      this.#axes.set(system, [...(this.#axes.get(system) ?? []), axis])
    }
    for (const row of db.extents) {
      const key = `${row['object_table_name']} ${ref(row, 'object_')}`
      if (!this.#centres.has(key)) this.#centres.set(key, centreOf(row))
    }
  }

  #factor(reference: string): number {
    return Number(this.#units.get(reference)?.['conv_factor'])
  }

  /** Degrees: 9110 is degrees, minutes and seconds written as one decimal number. */
  #degrees(value: number, unit: string): number {
    if (unit !== 'EPSG:9110') return (value * this.#factor(unit) * 180) / Math.PI
    const [, d, fraction = ''] = /^(\d+)\.?(\d*)$/.exec(Math.abs(value).toFixed(10))!
    const seconds = Number(`${fraction.slice(2, 4)}.${fraction.slice(4)}`)
    return Math.sign(value) * (Number(d) + Number(fraction.slice(0, 2)) / 60 + seconds / 3600)
  }

  /** New codes of those that have not been taken. */
  #take(row: Row): number | undefined {
    const code = Number(row['code'])
    if (!Number.isInteger(code) || this.#codes.has(code)) return undefined
    if (row['auth_name'] !== 'EPSG' && this.#epsg.has(code)) return undefined
    this.#codes.add(code)
    return code
  }

  /** Its name without marks, and ESRI's of what has the same code there; what has been taken is left out. */
  #name(row: Row): string {
    const sameCode = row['auth_name'] === 'EPSG' ? this.#esriNames.get(Number(row['code'])) : undefined
    const keys = [row['name'], sameCode]
      .filter((name) => name !== undefined)
      .map((name) => nameKey(String(name)))
      .filter((key) => !this.#names.has(key))
    for (const key of keys) this.#names.add(key)
    return [...new Set(keys)].join(' ')
  }

  /** code, name, figure and prime meridian, degrees a unit, datum, middle of its area, metres a unit of height. */
  geographic(): string[] {
    const shifted = new Map<string, number>()
    for (const row of this.#db.geodetic) {
      const code = Number(row['code'])
      const datum = ref(row, 'datum_')
      if (row['auth_name'] === 'EPSG' && hasShift(sameDatum(code)) && !shifted.has(datum)) {
        shifted.set(datum, sameDatum(code))
      }
    }
    return this.#db.geodetic.flatMap((given) => {
      const row = this.#today.get('geodetic')?.get(given) ?? given
      const figure = this.#figure(ref(row, 'datum_'), Number(row['code']))
      const axes = this.#axes.get(ref(row, 'coordinate_system_'))
      if (figure === undefined || axes === undefined) return []
      const code = this.#take(given)
      if (code === undefined) return []
      this.#geographic.set(ref(given, ''), code)
      const before = this.#figure(ref(given, 'datum_'), code)
      if (before !== undefined && before !== figure) this.#before.set(code, before)
      // degrees, minutes and seconds are ways to write degrees
      const factor = this.#factor(ref(axes[0]!, 'uom_'))
      const degrees = factor > 0 ? (factor * 180) / Math.PI : 1
      const unit = Math.abs(degrees - 1) < 1e-9 ? '' : short(degrees)
      const own = sameDatum(Number(row['code']))
      const datum = hasShift(own) ? own : (shifted.get(ref(row, 'datum_')) ?? Number(row['code']))
      const height = axes[2] === undefined ? '' : short(this.#factor(ref(axes[2], 'uom_')))
      const centre = shiftsDiffer(datum) ? this.#centres.get(`geodetic_crs ${ref(row, '')}`) : undefined
      return [
        this.#line(code, this.#name(given), figure, unit, datum === code ? '' : datum, centre ?? '', height),
      ]
    })
  }

  #line(...columns: (string | number)[]): string {
    return columns.join('\t').trimEnd()
  }

  #figure(datum: string, code: number): string | undefined {
    const row = this.#datums.get(datum)
    const ellipsoid = row && this.#ellipsoids.get(ref(row, 'ellipsoid_'))
    const meridian = row && this.#meridians.get(ref(row, 'prime_meridian_'))
    if (ellipsoid === undefined || meridian === undefined) return undefined
    const metres = this.#factor(ref(ellipsoid, 'uom_'))
    const a = Number(ellipsoid['semi_major_axis']) * metres
    const b =
      ellipsoid['semi_minor_axis'] === null ? undefined : Number(ellipsoid['semi_minor_axis']) * metres
    const inverse = ellipsoid['inv_flattening'] === null ? undefined : Number(ellipsoid['inv_flattening'])
    const shape = datum === 'EPSG:6326' || code === 4326 ? '+datum=WGS84' : shapeOf(a, b, inverse)
    const longitude = this.#degrees(Number(meridian['longitude']), ref(meridian, 'uom_'))
    if (longitude === 0) return shape
    const named = Object.entries(MERIDIANS).find(([, degrees]) => Math.abs(degrees - longitude) < 1e-8)
    return `${shape} +pm=${named?.[0] ?? short(longitude)}`
  }

  /** EPSG code (of ESRI's: nothing), '+proj=…' without figure and units. */
  conversions(): string[] {
    const lines: string[] = []
    for (const row of this.#db.conversions) {
      const text = this.#conversion(row)
      if (text === undefined) continue
      this.#conversionAt.set(ref(row, ''), lines.length)
      lines.push(this.#line(row['auth_name'] === 'EPSG' ? Number(row['code']) : '', text))
    }
    return lines
  }

  #conversion(row: Row): string | undefined {
    const method = methodOfName(String(row['method_name']))
    if (method === undefined) return undefined
    const values: Partial<Record<ParameterName, number>> = {}
    for (let i = 1; i <= 7 && row[`param${i}_value`] !== null; i++) {
      const name = parameterOfName(String(row[`param${i}_name`]))
      const value = Number(row[`param${i}_value`])
      const unit = ref(row, `param${i}_uom_`)
      if (name === undefined) return undefined
      if (name === 'ignored') continue
      const isLength = name === 'x0' || name === 'y0' || name === 'height'
      const inUnit = isLength || name === 'scale' ? value * this.#factor(unit) : this.#degrees(value, unit)
      values[name] = Number(short(inUnit))
    }
    const text = projectionText(method, values)
    return text && utmText(text)
  }

  /**
   * code, name, geographic system (or a figure in its place), number of the conversion, unit, axes that count
   * elsewhere, middle of its area.
   */
  projected(): string[] {
    return this.#db.projected.flatMap((given) => {
      const row = this.#today.get('projected')?.get(given) ?? given
      if (row['text_definition'] !== null) return this.#texted(row)
      const base = this.#geographic.get(ref(row, 'geodetic_crs_'))
      const conversion = this.#conversionAt.get(ref(row, 'conversion_'))
      const axes = this.#axes.get(ref(row, 'coordinate_system_'))
      if (base === undefined || conversion === undefined || axes === undefined) return []
      const code = this.#take(given)
      if (code === undefined) return []
      const method = String(this.#conversions.get(ref(row, 'conversion_'))!['method_name'])
      const unit = this.#unit(ref(axes[0]!, 'uom_'))
      const centre = shiftsDiffer(sameDatum(base))
        ? this.#centres.get(`projected_crs ${ref(row, '')}`)
        : undefined
      return [
        this.#line(
          code,
          this.#name(given),
          this.#before.get(base) ?? base,
          conversion,
          unit,
          axesOf(axes, method),
          centre ?? '',
        ),
      ]
    })
  }

  /** Of systems that are a WKT in the database. */
  #texted(row: Row): string[] {
    const node = parseWkt(String(row['text_definition']))
    let definition: string
    try {
      definition = crsOfWkt(node!).definition
    } catch {
      return []
    }
    const code = this.#take(row)
    if (code === undefined) return []
    const isFigure = /^\+(a|b|rf|datum|pm|towgs84)=/
    const words = definition.split(' ')
    const figure = words.filter((word) => isFigure.test(word)).join(' ')
    const body = words.filter((word) => !isFigure.test(word) && !word.startsWith('+to_meter')).join(' ')
    const metres = Number(/\+to_meter=(\S+)/.exec(definition)?.[1] ?? 1)
    const named = Object.entries(UNITS).find(([, size]) => Math.abs(size / metres - 1) < 1e-9)?.[0]
    const unit = metres === 1 ? '' : (named ?? short(metres))
    const known = geographicOfName(nameOf(childOf(childOf(node!, 'GEOGCS')!, 'DATUM')!))
    // of spheres and other meridians only the text says which
    const base = definition.includes('+pm=') || definition.includes('+b=') ? undefined : known
    this.#more.push(this.#line('', body))
    const at = this.#conversionAt.size + this.#more.length - 1
    const centre =
      base !== undefined && shiftsDiffer(sameDatum(base))
        ? this.#centres.get(`projected_crs ${ref(row, '')}`)
        : ''
    return [this.#line(code, this.#name(row), base ?? figure, at, unit, '', centre ?? '')]
  }

  /** Conversions that only #texted systems have. */
  readonly #more: string[] = []

  get more(): readonly string[] {
    return this.#more
  }

  /** '' for metres, a name of geodesy.ts or a number of metres. */
  #unit(reference: string): string {
    const metres = this.#factor(reference)
    if (metres === 1) return ''
    const named = Object.entries(UNITS).find(([, size]) => Math.abs(size / metres - 1) < 1e-12)
    return named?.[0] ?? short(metres)
  }

  /** code, name, horizontal system, metres a unit of height. */
  compound(): string[] {
    for (const row of this.#db.vertical) {
      const axis = this.#axes.get(ref(row, 'coordinate_system_'))?.[0]
      if (axis !== undefined) this.#verticalUnits.set(ref(row, ''), this.#factor(ref(axis, 'uom_')))
    }
    return this.#db.compound.flatMap((given) => {
      const row = this.#today.get('compound')?.get(given) ?? given
      const horizontal = Number(row['horiz_crs_code'])
      const metres = this.#verticalUnits.get(ref(row, 'vertical_crs_'))
      if (!this.#codes.has(horizontal) || metres === undefined) return []
      const code = this.#take(given)
      return code === undefined ? [] : [this.#line(code, this.#name(given), horizontal, short(metres))]
    })
  }

  /** code, metres a unit: those that do not count in metres. */
  vertical(): string[] {
    return this.#db.vertical.flatMap((given) => {
      const row = this.#today.get('vertical')?.get(given) ?? given
      const metres = this.#verticalUnits.get(ref(row, ''))
      if (metres === undefined) return []
      const code = this.#take(given)
      return code === undefined ? [] : [this.#line(code, metres === 1 ? '' : short(metres))]
    })
  }
}

/** As GDAL has it: a deprecated system that EPSG replaced by exactly one other is that other one. */
function successors(db: ProjDb, table: 'geodetic' | 'projected' | 'compound' | 'vertical'): Map<Row, Row> {
  const rows = keyed(db[table])
  const byCode = new Map<string, string[]>()
  for (const row of db.deprecations) {
    if (row['table_name'] !== `${table}_crs`) continue
    const code = ref(row, 'deprecated_')
    byCode.set(code, [...(byCode.get(code) ?? []), ref(row, 'replacement_')])
  }
  const found = new Map<Row, Row>()
  for (const [code, [first, ...others]] of byCode) {
    const [old, now] = [rows.get(code), rows.get(first!)]
    if (old !== undefined && now !== undefined && others.length === 0) found.set(old, now)
  }
  return found
}

function centreOf(row: Row): string {
  const [west, south, east, north] = ['west_lon', 'south_lat', 'east_lon', 'north_lat'].map((k) =>
    Number(row[k]),
  ) as [number, number, number, number]
  const lon = east < west ? (west + east + 360) / 2 : (west + east) / 2
  return `${Number((lon > 180 ? lon - 360 : lon).toFixed(2))} ${Number(((south + north) / 2).toFixed(2))}`
}

function shapeOf(a: number, b: number | undefined, inverse: number | undefined): string {
  const rf = inverse ?? (b === undefined || a === b ? 0 : a / (a - b))
  for (const [name, known] of Object.entries(ELLIPSOIDS)) {
    const other = 'b' in known ? (known.a === known.b ? 0 : known.a / (known.a - known.b)) : known.rf
    if (Math.abs(known.a - a) < 1e-6 && Math.abs(other - rf) < 1e-7) return `+ellps=${name}`
  }
  return rf === 0 ? `+a=${short(a)} +b=${short(a)}` : `+a=${short(a)} +rf=${short(rf)}`
}

/** Shorter, and what people expect to see. */
function utmText(text: string): string {
  const found = /^\+proj=tmerc \+lat_0=0 \+lon_0=(-?\d+) \+k_0=0\.9996 \+x_0=500000 \+y_0=(0|10000000)$/.exec(
    text,
  )
  const zone = found === null ? Number.NaN : (Number(found[1]) + 183) / 6
  if (!Number.isInteger(zone) || zone < 1 || zone > 60) return text
  return `+proj=utm +zone=${zone}${found![2] === '0' ? '' : ' +south'}`
}

/** 'ws' and the like, of methods that do not say so themselves; around a pole both axes point the same way. */
function axesOf(axes: readonly Row[], method: string): string {
  const [first, second] = axes.map(({ orientation }) => String(orientation)[0]!)
  const isUsual = !['w', 's'].includes(first!) && !['w', 's'].includes(second!)
  if (isUsual || first === second || /South Orientated|^Krovak/.test(method)) return ''
  return `${first}${second}`
}
