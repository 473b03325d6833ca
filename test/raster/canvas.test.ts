// Canvases: what counts as painted, finishing, cropping.
import t from 'tap'
import { coverageOf, createCanvas, crop, finishCanvas } from '../../src/raster/canvas.js'
import { picture } from './synthetic.js'

t.test('coverage, wherever the deciding pixel lies', async (t) => {
  t.equal(coverageOf(undefined), 'full')
  t.equal(coverageOf(new Uint8Array(0)), 'none')
  for (const n of [1, 3, 4, 5, 63, 64, 67]) {
    t.equal(coverageOf(new Uint8Array(n)), 'none')
    t.equal(coverageOf(new Uint8Array(n).fill(255)), 'full')
    t.equal(coverageOf(new Uint8Array(n).fill(128)), 'partial')
    for (let i = 0; n > 1 && i < n; i++) {
      const one = new Uint8Array(n)
      one[i] = 1
      const hole = new Uint8Array(n).fill(255)
      hole[i] = 254
      if (coverageOf(one) !== 'partial' || coverageOf(hole) !== 'partial') t.fail(`${n} pixels, number ${i}`)
    }
  }
  const odd = new Uint8Array(new ArrayBuffer(70), 3, 64).fill(255)
  t.equal(coverageOf(odd), 'full', 'not aligned to words')
  odd[63] = 0
  t.equal(coverageOf(odd), 'partial')
})

t.test('finishing', async (t) => {
  const canvas = createCanvas(4, 3, 3)
  t.same([canvas.data.length, canvas.mask.length], [36, 12])
  t.equal(finishCanvas(canvas), undefined)
  canvas.mask[5] = 9
  t.equal(finishCanvas(canvas)!.mask![5], 9)
  canvas.mask.fill(255)
  t.equal(finishCanvas(canvas)!.mask, undefined)
})

t.test('cropping', async (t) => {
  const image = picture(20, 10, 3, 'holes', 3)
  const part = crop(image, 3, 2, 8, 5)
  t.same([part.width, part.height, part.bands], [8, 5, 3])
  t.equal(part.data[(4 * 8 + 7) * 3 + 2], image.data[(6 * 20 + 10) * 3 + 2])
  t.equal(part.mask![4 * 8 + 7], image.mask![6 * 20 + 10])
  t.equal(crop({ ...image, mask: new Uint8Array(200).fill(255) }, 0, 0, 2, 2).mask, undefined)
  t.throws(() => crop(image, 13, 0, 8, 5), RangeError)
  t.throws(() => crop(image, -1, 0, 8, 5), RangeError)
})
