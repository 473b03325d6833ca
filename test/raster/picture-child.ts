// Run as a worker thread by picture-file.test.ts: reads a window of a picture and says whether its memory is shared.
import { parentPort, workerData } from 'node:worker_threads'
import { sharedPicture } from '../../src/raster/formats/shared-pictures.js'
import { openRaster } from '../../src/raster/open.js'

const { path, key } = workerData as { path: string; key: string }
const source = await openRaster(path)
const { data } = await source.read(0, { x: 4000, y: 4100, width: 50, height: 40 })
await source.close()
parentPort!.postMessage({ data, isShared: sharedPicture(key) !== undefined })
