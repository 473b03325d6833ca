// The index over the pieces of a VRT: which ones a window touches, in memory that does not grow with their overlap.
import t from 'tap'
import { type Layer, LayerIndex } from '../../src/raster/vrt/layers.js'

const layer = (x: number, y: number, width: number, height: number): Layer => ({
  file: 'a.tif',
  from: undefined,
  to: { x, y, width, height },
  strokes: [],
})

t.test('the layers that share something of a rectangle, in order', async (t) => {
  let state = 7
  // halves too: VRTs may put pieces between pixels
  const at = (most: number): number => {
    state = (state * 48271) % 2147483647
    return (state % (most * 2)) / 2
  }
  const layers = Array.from({ length: 300 }, () =>
    layer(at(900) - 50, at(900) - 50, 1 + at(200), 1 + at(200)),
  )
  const index = new LayerIndex(layers)
  for (let i = 0; i < 200; i++) {
    const [x, y, width, height] = [at(900), at(900), 1 + at(100), 1 + at(100)]
    const expected = layers.flatMap(({ to }, n) =>
      to.x < x + width && to.y < y + height && to.x + to.width > x && to.y + to.height > y ? [n] : [],
    )
    t.same(index.touching({ x, y, width, height }), expected)
  }
  t.same(new LayerIndex([]).touching({ x: 0, y: 0, width: 1, height: 1 }), [])
})

t.test('a hundred thousand that all cover the whole take no more memory than others', async (t) => {
  const layers = Array.from({ length: 100_000 }, () => layer(0, 0, 5000, 5000))
  const index = new LayerIndex(layers)
  t.equal(index.touching({ x: 7, y: 7, width: 1, height: 1 }).length, layers.length)
})
