// Takes the README's picture: the demo's orthophoto in the viewer, photographed by Chromium.
//
// npm run picture
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { build, listen, openTileServer } from '../../src/index.js'
import { launch } from '../../test/helpers/browser.js'
import { settled } from '../../test/server/viewer-page.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const picture = join(root, 'src', 'viewer', 'map.webp')
const WIDTH = 1200
const HEIGHT = 680

const folder = mkdtempSync(join(tmpdir(), 'flagstone-picture-'))
const tiles = join(folder, 'ortho.pmtiles')
const browser = await launch()
try {
  await build({ sources: [join(root, 'fixtures', 'ortho.tif')], out: tiles })
  const server = await openTileServer([tiles])
  const { url, close } = await listen(server, { port: 0 })
  const page = await browser.newPage({ viewport: { width: WIDTH, height: HEIGHT } })
  await page.goto(`${url}ortho/map#16.4/47.50708/14.63285&tiles`)
  await page.mouse.move(760, 320)
  await settled(page)
  const shot = await page.screenshot({ animations: 'disabled' })
  const { size } = await sharp(shot).webp({ quality: 72, effort: 6 }).toFile(picture)
  console.log(`${picture}: ${Math.round(size / 1000)} KB`)
  await close()
} finally {
  await browser.close()
  rmSync(folder, { recursive: true })
}
