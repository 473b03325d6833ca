// The server's answers about places: /{id}/point.
import { AnswerError, addressOf, getJson } from './server.js'
import { metres } from './words.js'

export interface PointAnswer {
  /** Metres; for files of heights. */
  readonly elevation?: number | null
  /** For images: red, green, blue, alpha. */
  readonly color?: readonly [number, number, number, number] | null
  readonly tile: readonly [number, number, number] | null
  /** Metres on the ground. */
  readonly resolution: number | null
}

export function askPoint(id: string, lon: number, lat: number, signal: AbortSignal): Promise<PointAnswer> {
  return getJson<PointAnswer>(addressOf(id, `/point/${lon.toFixed(8)},${lat.toFixed(8)}`), signal)
}

/** Heights of those of the places that have one, metres. */
export async function heightsAt(
  id: string,
  points: readonly (readonly [number, number])[],
): Promise<number[]> {
  const response = await fetch(addressOf(id, '/point'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ points }),
  })
  if (!response.ok) throw new AnswerError(response.status, `The server answered ${response.status}.`)
  const { points: answers } = (await response.json()) as { points: PointAnswer[] }
  return answers.flatMap(({ elevation }) => (typeof elevation === 'number' ? [elevation] : []))
}

/** Lines to show, and the colour where there is one. */
export function rowsOf({ elevation, color, tile, resolution }: PointAnswer): {
  rows: [string, string][]
  colour: string | undefined
} {
  const rows: [string, string][] = []
  let colour: string | undefined
  if (typeof elevation === 'number') rows.push(['Height', `${elevation.toFixed(2)} m`])
  else if (color) {
    const [red, green, blue, alpha] = color
    colour = `rgb(${red} ${green} ${blue} / ${alpha / 255})`
    rows.push(['Colour', hex([red, green, blue])])
    rows.push(['RGB', `${red}, ${green}, ${blue}`])
    if (alpha < 255) rows.push(['Opacity', `${Math.round((100 * alpha) / 255)} %`])
  } else rows.push(['Stored here', tile === null ? 'nothing' : 'no data in this tile'])
  if (tile !== null) rows.push(['Tile', tile.join('/')])
  if (resolution !== null) rows.push(['Pixel', metres(resolution)])
  return { rows, colour }
}

const hex = (parts: readonly number[]): string =>
  `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`
