// The viewer's page as tests hold it.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { openPage, type Watched } from '../helpers/browser.js'

/**
 * Waits until an expression is true in the page. (The page's own policy forbids playwright's waitForFunction, which
 * evaluates text there.)
 */
export async function until(page: Page, expression: string): Promise<void> {
  const end = Date.now() + 120_000
  while ((await page.evaluate(expression)) !== true) {
    if (Date.now() > end) throw new Error(`still not: ${expression}`)
    await page.waitForTimeout(30)
  }
}

/** Resolves when everything the map wants is there and drawn. */
export async function settled(page: Page): Promise<void> {
  await until(page, 'window.flagstone !== undefined')
  await page.evaluate('flagstone.quiet')
  await until(page, 'flagstone.map.loaded() && flagstone.map.areTilesLoaded() && !flagstone.map.isMoving()')
  await page.evaluate('flagstone.quiet')
  // what was asked for last is drawn with the next frame
  await page.evaluate(
    'new Promise((done) => { flagstone.map.once("render", () => requestAnimationFrame(() => done())); flagstone.map.triggerRepaint() })',
  )
}

export async function openViewer(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const watched = await openPage(browser, options)
  await watched.page.goto(url)
  await settled(watched.page)
  return watched
}

/** West, south, east, north of a rectangle of the map, from its corners. */
export async function boundsOnMap(
  page: Page,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): Promise<[number, number, number, number]> {
  const corner = (px: number, py: number): string =>
    `(() => { const p = flagstone.map.unproject([${px}, ${py}]); return [p.lng, p.lat] })()`
  const [west, north] = await page.evaluate<[number, number]>(corner(x, y))
  const [east, south] = await page.evaluate<[number, number]>(corner(x + width, y + height))
  return [west, south, east, north]
}

/**
 * Controls without a name, as a screen reader says it: of buttons, links, fields, and whatever the keyboard reaches.
 * By hand and by the browser's own accessibility tree where it tells.
 */
export const namelessControls = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('button, a[href], input, select, [tabindex]')]
    .filter((e) => e.checkVisibility() && !e.closest('[inert]'))
    .filter((e) => {
      const labelled = (e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join('')
      const name = e.getAttribute('aria-label') || labelled || [...(e.labels ?? [])].map((l) => l.textContent).join('') || e.textContent || e.title
      return !name.trim()
    })
    .map((e) => e.outerHTML.slice(0, 120))`)
