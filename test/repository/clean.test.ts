// The repository carries nothing of the machine it was made on.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../helpers/paths.js'

if (!existsSync(join(root, '.git'))) {
  t.plan(0, 'not a git checkout')
} else {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean)
  const texts = tracked.filter((f) => existsSync(join(root, f)) && /(\.(ts|json|md|ksy|sh)|run|rc)$/.test(f))

  t.test('no download address and no machine path is committed', (t) => {
    const forbidden = [
      new RegExp(['"resolved', '":'].join('')),
      /https?:\/\/(registry|deb|npm)\./,
      new RegExp(['', 'work', 'main'].join('/')),
      new RegExp(['', 'root', ''].join('/')),
    ]
    for (const file of texts) {
      const text = readFileSync(join(root, file), 'utf8')
      for (const pattern of forbidden) t.notMatch(text, pattern, `${file} has no ${pattern}`)
    }
    t.end()
  })

  t.test('no large file is committed', (t) => {
    t.same(
      tracked.filter((f) => existsSync(join(root, f)) && statSync(join(root, f)).size > 1.5 * 2 ** 20),
      [],
    )
    t.end()
  })
}
