// A process without descriptors does not know what lies in its folders: it goes on serving what it served.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { flatFile, mbtilesFile, pmtilesFile, tileFolder } from './tile-files.js'

t.test('when descriptors run out, no source goes; what came meanwhile is found later', async (t) => {
  const root = t.testdir({ folder: { sub: {} }, glob: { sub: {} } })
  pmtilesFile(join(root, 'folder/a.pmtiles'), 1)
  flatFile(join(root, 'folder/sub/b.pmtiles'), 1)
  mbtilesFile(join(root, 'folder/c.mbtiles'), 1)
  tileFolder(join(root, 'folder/sub/d'), 1)
  pmtilesFile(join(root, 'glob/e.pmtiles'), 1)
  pmtilesFile(join(root, 'glob/sub/f.pmtiles'), 1)
  pmtilesFile(join(root, 'later'), 1)
  const child = new URL('./few-descriptors.js', import.meta.url).pathname
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `ulimit -n 400; exec "${process.execPath}" "${child}" "${root}"`],
    { encoding: 'utf8', timeout: 300_000 },
  )
  t.same(
    stdout === '' ? stderr : JSON.parse(stdout),
    {
      before: 'a,b,c,d,e,f',
      meanwhile: ['a,b,c,d,e,f'],
      after: 'a,b,c,d,e,f,later',
      answers: [200, 200, 200, 200, 200, 200, 200],
    },
    stderr,
  )
})
