// The nginx of src/server/README.md in front of a server: addresses in answers are those that the world sees.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { join } from 'node:path'
import t from 'tap'
import { blockUnder } from '../helpers/documents.js'
import { startNginx, withoutNginx } from '../helpers/nginx.js'
import { startChild } from '../helpers/processes.js'
import { within } from '../helpers/waiting.js'
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

const withoutOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl'

t.test(
  'TLS ends at nginx: addresses are those of https',
  { skip: withoutNginx || withoutOpenssl },
  async (t) => {
    const dir = t.testdir()
    vectorFile(join(dir, 'roads.pmtiles'), { name: 'Roads' })
    const bin = new URL('../../src/cli/bin.js', import.meta.url)
    const child = startChild(bin, ['serve', dir, '--trust-proxy', '-p', 0, '--json'])
    t.teardown(() => child.kill())
    const { port } = JSON.parse(await child.line('{')) as { port: number }
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names, '-keyout', key, '-out', cert],
      { stdio: 'ignore' },
    )
    const location = blockUnder('src/server/README.md', 'Behind nginx, under a path', 'nginx')
    const tls = `ssl_certificate ${cert}; ssl_certificate_key ${key};`
    const outside = await startNginx(t, dir, `${tls} ${location.replace('8080', String(port))}`, 'ssl')
    const agent = new Agent({ ca: readFileSync(cert) })
    const ask = (url: string): Promise<{ status: number | undefined; body: Buffer }> =>
      within(
        url,
        new Promise((resolve, reject) => {
          get(url, { agent }, (response) => {
            const chunks: Buffer[] = []
            response.on('data', (chunk: Buffer) => chunks.push(chunk))
            response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }))
          }).on('error', reject)
        }),
      )
    const { body } = await ask(`https://127.0.0.1:${outside}/maps/roads.json`)
    const { tiles } = JSON.parse(body.toString()) as { tiles: string[] }
    t.ok(tiles[0]!.startsWith(`https://127.0.0.1:${outside}/maps/roads/`), tiles[0]!)
    const tile = await ask(tiles[0]!.replace('{z}/{x}/{y}', '0/0/0'))
    t.same([tile.status, tile.body.length], [200, 5])
    agent.destroy()
  },
)
