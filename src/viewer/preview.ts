// A small image of a source: its bounds, widened to the card's shape, through the server's bbox route.
import { element } from './dom.js'
import type { Bounds, Facts } from './facts.js'
import { latOfMercator, mercatorOfLat } from './mercator.js'
import { addressOf } from './server.js'

const WIDTH = 480
const HEIGHT = 300
/** Milliseconds before the next try when the server is busy (503). */
const RETRIES = [1500, 4000, 8000]

export function previewOf(facts: Facts): HTMLImageElement {
  const box = shaped(facts.bounds ?? [-180, -85.05, 180, 85.05])
    .map((n) => n.toFixed(6))
    .join(',')
  const look = facts.elevation === undefined ? '' : '&elevation=shade'
  const address = `${addressOf(facts.id, `/bbox/${box}/${WIDTH}x${HEIGHT}.webp`)}?v=${encodeURIComponent(facts.version)}${look}`
  const image = element('img', { alt: '', width: WIDTH, height: HEIGHT, decoding: 'async' })
  image.addEventListener('load', () => {
    image.dataset['loaded'] = ''
    URL.revokeObjectURL(image.src)
  })
  void load(image, address)
  return image
}

/** By fetch, because an <img> does not show whether the server is busy or has failed. */
async function load(image: HTMLImageElement, address: string): Promise<void> {
  for (const wait of RETRIES) {
    const answer = await fetch(address).catch(() => undefined)
    if (answer?.ok === true) {
      image.src = URL.createObjectURL(await answer.blob())
      return
    }
    if (answer?.status !== 503) break
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
  image.remove()
}

/** The bounds widened to the image's aspect ratio, in mercator; inside the world if possible. */
function shaped([west, south, east, north]: Bounds): Bounds {
  const x = [(west + 180) / 360, (east + 180) / 360] as const
  const y = [mercatorOfLat(north), mercatorOfLat(south)] as const
  let across = Math.max(x[1] - x[0], 1e-9) * 1.06
  let down = Math.max(y[1] - y[0], 1e-9) * 1.06
  if (across / down < WIDTH / HEIGHT) across = (down * WIDTH) / HEIGHT
  else down = (across * HEIGHT) / WIDTH
  if (across > 1) [across, down] = [1, HEIGHT / WIDTH]
  const left = clamp((x[0] + x[1]) / 2 - across / 2, 0, 1 - across)
  const top = clamp((y[0] + y[1]) / 2 - down / 2, 0, 1 - down)
  return [left * 360 - 180, latOfMercator(top + down), (left + across) * 360 - 180, latOfMercator(top)]
}

const clamp = (n: number, from: number, to: number): number => Math.min(Math.max(n, from), to)
