// The jobs file of the README runs as it is written.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { blocksOf } from '../helpers/documents.js'
import { fixture, root } from '../helpers/paths.js'

const bin = join(root, 'dist', 'src', 'cli', 'bin.js')
const blocks = blocksOf('src/batch/README.md').filter(({ heading }) => heading === 'From a file')
const textIn = (language: string): string => blocks.find((block) => block.language === language)!.text

t.test('the example of the README', (t) => {
  const dir = t.testdir({ in: {}, node_modules: {} })
  for (const name of ['north', 'south']) copyFileSync(fixture('ortho.tif'), join(dir, 'in', `${name}.tif`))
  writeFileSync(join(dir, 'jobs.yaml'), textIn('yaml'))
  for (const line of textIn('sh').split('\n')) {
    const words = line.replace(/ *#.*/, '').split(' ').slice(1)
    const { status, stderr } = spawnSync(process.execPath, [bin, ...words], { cwd: dir, encoding: 'utf8' })
    t.equal(status, 0, `${line}\n${stderr}`)
    t.equal(existsSync(join(dir, 'all.pmtiles')), !line.includes('--dry-run'), line)
  }
  const { counts } = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')) as { counts: object }
  t.match(counts, { done: 6, failed: 0, skipped: 0 })
  const [, schema] = /\$schema=\.\/node_modules\/flagstone\/(.*)/.exec(textIn('yaml'))!
  t.ok(existsSync(join(root, schema!)), `${schema} is in the package`)
  t.end()
})
