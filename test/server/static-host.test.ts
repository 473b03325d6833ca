// A sealed file on a host that knows nothing of tiles: the README's nginx, and a server of byte ranges. What the pmtiles
// client reads there is what is in the file.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { FetchSource, PMTiles } from 'pmtiles'
import t, { type Test } from 'tap'
import { build } from '../../src/pyramid/build.js'
import { freePort } from '../../src/server/run/listen.js'
import { openTiles } from '../../src/store/read/open.js'
import { blockUnder } from '../helpers/documents.js'
import { fixture } from '../helpers/paths.js'
import { until } from '../helpers/waiting.js'

const dir = t.testdir({ srv: { tiles: {} } })
const path = join(dir, 'srv/tiles/ortho.pmtiles')
t.before(async () => {
  await build({ sources: [fixture('ortho.tif')], out: path, maxZoom: 16 })
})

async function readsAll(t: Test, url: string): Promise<void> {
  const archive = new PMTiles(new FetchSource(url))
  const header = await archive.getHeader()
  const reader = openTiles(path)
  let count = 0
  for (const { z, x, y } of reader.tiles()) {
    const tile = await archive.getZxy(z, x, y)
    if (tile === undefined || Buffer.compare(Buffer.from(tile.data), reader.get(z, x, y)!.bytes) !== 0)
      t.fail(`${z}/${x}/${y} is another tile`)
    count++
  }
  t.ok(count > 10, `${count} tiles`)
  t.same([header.minZoom, header.maxZoom], [12, 16])
  t.match(await archive.getMetadata(), { name: 'ortho' })
  reader.close()
}

t.test('a server of byte ranges', async (t) => {
  const server = createServer((request, response) => {
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const { size } = statSync(path)
    const end = Math.min(to === '' ? size - 1 : Number(to), size - 1)
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      'Content-Length': end - Number(from) + 1,
      'Content-Range': `bytes ${from}-${end}/${size}`,
    })
    createReadStream(path, { start: Number(from), end }).pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  await readsAll(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}/ortho.pmtiles`)
})

const withoutNginx = spawnSync('nginx', ['-v']).status === 0 ? false : 'needs nginx'
t.test("the README's nginx", { skip: withoutNginx }, async (t) => {
  const location = blockUnder('src/server/README.md', 'Static hosting', 'nginx').replace(
    '/srv',
    join(dir, 'srv'),
  )
  const port = await freePort('127.0.0.1', 0)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (it) => `${it}_temp_path ${dir}/${it};`,
  )
  writeFileSync(
    join(dir, 'nginx.conf'),
    // as root nginx would read as another user
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; pid ${dir}/nginx.pid; error_log stderr; events {}
    http { access_log off; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; ${location} } }`,
  )
  const nginx = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf')], { stdio: 'ignore' })
  t.teardown(() => nginx.kill())
  const url = `http://127.0.0.1:${port}/tiles/ortho.pmtiles`
  await until('nginx to answer', () => fetch(url, { method: 'HEAD' }).catch(() => undefined))
  const part = await fetch(url, { headers: { Range: 'bytes=0-6' } })
  t.equal(part.status, 206)
  t.equal(part.headers.get('access-control-allow-origin'), '*')
  t.equal(await part.text(), 'PMTiles')
  await readsAll(t, url)
})
