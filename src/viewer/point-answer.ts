// The server's answers about places.
import { AnswerError, addressOf, getJson } from './server.js'

export interface PointAnswer {
  readonly zoom?: number
  readonly tile?: readonly [number, number, number]
  readonly height?: number | null
  readonly color?: readonly number[] | null
}

export function askPoint(id: string, lon: number, lat: number, signal: AbortSignal): Promise<PointAnswer> {
  return getJson<PointAnswer>(addressOf(id, `/point/${lon.toFixed(8)},${lat.toFixed(8)}`), signal)
}

/** Heights of the places that have one, metres. */
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
  return answers.flatMap(({ height }) => (typeof height === 'number' ? [height] : []))
}

/** Lines to show, and the colour if there is one. */
export function rowsOf(answer: PointAnswer): { rows: [string, string][]; colour: string | undefined } {
  const rows: [string, string][] = []
  if (typeof answer.height === 'number') rows.push(['Height', `${answer.height.toFixed(2)} m`])
  if (rows.length === 0) rows.push(['Here', 'nothing'])
  return { rows, colour: undefined }
}
