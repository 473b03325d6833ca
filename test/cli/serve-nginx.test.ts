// The nginx of src/server/README.md in front of a server: addresses in answers are those that the world sees.
import { join } from 'node:path'
import t from 'tap'
import { blockUnder } from '../helpers/documents.js'
import { startNginx, withoutNginx } from '../helpers/nginx.js'
import { startChild } from '../helpers/processes.js'
import { vectorFile } from '../server/served.js'

t.test('behind nginx, under a path', { skip: withoutNginx }, async (t) => {
  const dir = t.testdir()
  vectorFile(join(dir, 'roads.pmtiles'), { name: 'Roads' })
  const bin = new URL('../../src/cli/bin.js', import.meta.url)
  const child = startChild(bin, ['serve', dir, '--trust-proxy', '-p', 0, '--json', '--log'])
  t.teardown(() => child.kill())
  const { port } = JSON.parse(await child.line('{')) as { port: number }

  const location = blockUnder('src/server/README.md', 'Behind nginx, under a path', 'nginx')
  const outside = await startNginx(t, dir, location.replace('8080', String(port)))
  const url = `http://127.0.0.1:${outside}/maps`

  const { tiles } = (await (await fetch(`${url}/roads.json`)).json()) as { tiles: string[] }
  t.ok(tiles[0]!.startsWith(`${url}/roads/`), tiles[0]!)
  const tile = await fetch(tiles[0]!.replace('{z}/{x}/{y}', '0/0/0'))
  t.equal(tile.status, 200)
  t.equal((await tile.arrayBuffer()).byteLength, 5)
  const again = await fetch(tile.url, { headers: { 'If-None-Match': tile.headers.get('etag')! } })
  t.equal(again.status, 304)
  const range = await fetch(`${url}/roads.pmtiles`, { headers: { Range: 'bytes=0-6' } })
  t.equal(range.status, 206)
  t.equal(await range.text(), 'PMTiles')
  t.match(child.stderr, /"remote":"127\.0\.0\.1"/)
})
