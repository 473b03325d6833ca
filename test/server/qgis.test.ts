// QGIS as a client of the server: what it draws of XYZ and WMTS layers is, pixel by pixel, what `sample` says.
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { boundsToLonLat, pixelToMetresX, pixelToMetresY } from '../../src/grid/tiles/mercator.js'
import { sample } from '../../src/sampling/sample.js'
import { openTiles } from '../../src/store/read/open.js'
import { pictureFile, serve } from './served.js'

const run = promisify(execFile)
// Debian's own, whatever `python3` is
const PYTHON = '/usr/bin/python3'
const env = { ...process.env, QT_QPA_PLATFORM: 'offscreen' }
const hasQgis = spawnSync(PYTHON, ['-c', 'import qgis.core'], { env }).status === 0
const skip = hasQgis ? false : 'needs python3-qgis'

/** Draws a layer of the wms provider: URI, west, south, east, north in metres, width, height, file of RGBA. */
const DRAW = `
import sys
from qgis.core import *
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage
uri, out = sys.argv[1], sys.argv[8]
west, south, east, north = map(float, sys.argv[2:6])
width, height = map(int, sys.argv[6:8])
app = QgsApplication([], False)
app.initQgis()
layer = QgsRasterLayer(uri, 'layer', 'wms')
if not layer.isValid():
    sys.exit('QGIS does not take the layer: ' + layer.error().summary())
settings = QgsMapSettings()
settings.setLayers([layer])
settings.setDestinationCrs(QgsCoordinateReferenceSystem('EPSG:3857'))
settings.setExtent(QgsRectangle(west, south, east, north))
settings.setOutputSize(QSize(width, height))
settings.setOutputDpi(96)
settings.setBackgroundColor(QColor(0, 0, 0, 0))
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage().convertToFormat(QImage.Format_RGBA8888)
bits = image.constBits()
bits.setsize(image.sizeInBytes())
open(out, 'wb').write(bytes(bits))
print(layer.extent().toString(3))
app.exitQgis()
`

const ZOOM = 4
/** Pixels of the zoom, at no border of tiles; all of them stored. */
const WINDOW = { x: 8 * 256 + 100, y: 4 * 256 + 60, width: 600, height: 400 }

t.test('XYZ and WMTS layers are drawn as they are stored', { skip, timeout: 600_000 }, async (t) => {
  const dir = t.testdir()
  writeFileSync(join(dir, 'draw.py'), DRAW)
  const path = join(dir, 'pictures.pmtiles')
  await pictureFile(path)
  const served = await serve(t, [path])
  const [west, east] = [WINDOW.x, WINDOW.x + WINDOW.width].map((x) => pixelToMetresX(x, ZOOM)) as [
    number,
    number,
  ]
  const [north, south] = [WINDOW.y, WINDOW.y + WINDOW.height].map((y) => pixelToMetresY(y, ZOOM)) as [
    number,
    number,
  ]

  const reader = openTiles(path)
  const { width, height } = WINDOW
  const degrees = boundsToLonLat({ west, south, east, north })
  const bbox = [degrees.west, degrees.south, degrees.east, degrees.north] as const
  const expected = await sample(reader, { bbox, width, height, zoom: ZOOM, resampling: 'nearest' })
  reader.close()

  const capabilities = `${served.url}/pictures/WMTSCapabilities.xml`
  const document = await (await served.get('/pictures/WMTSCapabilities.xml')).text()
  const sets = [...document.matchAll(/<TileMatrixSet>([^<]+)<\/TileMatrixSet>/g)].map(([, name]) => name!)
  t.ok(sets.length > 0, 'the document names its tile matrix sets')
  const layers: [string, string][] = [
    [
      'XYZ',
      `type=xyz&url=${encodeURIComponent(`${served.url}/pictures/{z}/{x}/{y}`)}&zmin=${ZOOM - 2}&zmax=${ZOOM}`,
    ],
    ...sets.map((set): [string, string] => [
      `WMTS, ${set}`,
      `crs=EPSG:3857&format=image/png&layers=pictures&styles=default&tileMatrixSet=${set}&url=${encodeURIComponent(capabilities)}`,
    ]),
  ]
  for (const [name, uri] of layers) {
    const out = join(dir, 'drawn.raw')
    const sizes = [west, south, east, north, width, height].map(String)
    const said = await run(PYTHON, [join(dir, 'draw.py'), uri, ...sizes, out], {
      env: { ...env, HOME: dir, XDG_RUNTIME_DIR: dir },
      timeout: 240_000,
    })
    t.match(said.stdout, /\d/, `${name}: it has an extent`)
    const drawn = readFileSync(out)
    t.equal(drawn.length, width * height * 4)
    let most = 0
    for (let i = 0; i < width * height; i++) {
      for (let b = 0; b < 3; b++)
        most = Math.max(most, Math.abs(drawn[4 * i + b]! - expected.data[3 * i + b]!))
      if (drawn[4 * i + 3] !== 255) most = 255
    }
    t.equal(most, 0, `${name}: every pixel`)
  }
})
