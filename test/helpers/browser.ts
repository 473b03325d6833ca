// Chromium for tests of pages. WebGL is drawn by SwiftShader, so that no graphics card is wanted.
import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import type { Pixels } from '../../src/raster/pixels.js'
import { decodeTile } from '../../src/raster/tiles/codec.js'

const found = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
)

/** Of playwright's own waits, which are 30 s and less: a busy machine draws slowly. */
const PATIENCE_MS = 180_000

/** Why pages cannot be tested here, or false. */
export const withoutBrowser: string | false =
  found === undefined ? 'needs chromium (apt install chromium, or CHROMIUM_PATH)' : false

export function launch(): Promise<Browser> {
  const gl = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']
  return chromium.launch({ executablePath: found!, args: ['--no-sandbox', ...gl], timeout: PATIENCE_MS })
}

export interface Watched {
  readonly page: Page
  /** What went wrong so far: errors in the console, requests that failed or were answered 400 and more. */
  readonly complaints: string[]
}

/** In a context of its own, as in a browser that was never used; or in one that is there, with what it has cached. */
export async function openPage(
  where: Browser | BrowserContext,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context =
    'newContext' in where
      ? await where.newContext({ viewport: { width: 800, height: 480 }, ...options })
      : where
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => {
    // what is not wanted any more is given up, as it should be
    const why = request.failure()?.errorText ?? ''
    if (why !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${why}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`)
  })
  return { page, complaints }
}

export interface Clip {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export async function pixelsOf(page: Page, clip: Clip): Promise<Pixels> {
  return decodeTile(await page.screenshot({ clip, animations: 'disabled' }))
}

/**
 * Peak signal to noise, dB, where the second has pixels, with the first moved by whole pixels; the border of the
 * move does not count.
 */
export function psnr(a: Pixels, b: Pixels, shiftX = 0, shiftY = 0): number {
  let sum = 0
  let n = 0
  for (let y = 8; y < b.height - 8; y++) {
    for (let x = 8; x < b.width - 8; x++) {
      const at = y * b.width + x
      if (b.mask !== undefined && b.mask[at] !== 255) continue
      const from = (y + shiftY) * a.width + x + shiftX
      for (let band = 0; band < 3; band++) {
        const right = b.data[at * b.bands + (b.bands === 1 ? 0 : band)]!
        sum += (a.data[from * a.bands + (a.bands === 1 ? 0 : band)]! - right) ** 2
        n++
      }
    }
  }
  return n === 0 ? Number.NaN : sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * n) / sum)
}

/** Where the first agrees best with the second: [0, 0] when nothing is shifted. */
export function bestShift(a: Pixels, b: Pixels): [number, number] {
  let best: [number, number] = [0, 0]
  let most = psnr(a, b)
  for (let y = -2; y <= 2; y++) {
    for (let x = -2; x <= 2; x++) {
      const found = psnr(a, b, x, y)
      if (found > most) [best, most] = [[x, y], found]
    }
  }
  return best
}
