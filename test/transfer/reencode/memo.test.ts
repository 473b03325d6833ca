// Equal tiles are encoded once, and never taken for others.
import t from 'tap'
import { Memo } from '../../../src/transfer/reencode/memo.js'

t.test('the same bytes give the same result, as long as it is kept', (t) => {
  const memo = new Memo<number>(2)
  let made = 0
  const get = (how: string, ...inputs: number[][]): number =>
    memo.get(
      inputs.map((bytes) => Uint8Array.from(bytes)),
      how,
      () => ++made,
    )
  t.equal(get('a', [1, 2]), 1)
  t.equal(get('a', [1, 2]), 1)
  t.equal(get('b', [1, 2]), 2, 'made in another way')
  t.equal(get('a', [1, 2]), 1)
  t.equal(get('a', [1], [2]), 3, 'made of other parts')
  t.equal(get('a', [1, 2]), 1, 'what was used last is kept')
  t.equal(get('b', [1, 2]), 4, 'the rest is forgotten')
  t.end()
})
