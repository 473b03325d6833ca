// nginx in front of a server, on a port that is free.
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Tap from 'tap'
import { freePort } from '../../src/server/run/listen.js'
import { until } from './waiting.js'

export const withoutNginx = spawnSync('nginx', ['-v']).status === 0 ? false : 'needs nginx'

const TRIES = 5

/**
 * Until the test ends. Another program may take the port before nginx does: then it is tried with another one.
 * @param server what is in nginx's server block beside `listen`; `$PORT` is the port outside
 * @param listen what follows the port: 'ssl'
 * @returns the port
 */
export async function startNginx(
  t: Pick<typeof Tap, 'teardown'>,
  dir: string,
  server: string,
  listen = '',
): Promise<number> {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temporary = kinds.map((it) => `${it}_temp_path ${dir}/${it};`).join(' ')
  for (let tries = 0; tries < TRIES; tries++) {
    const port = await freePort('127.0.0.1', 0)
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off; pid ${dir}/nginx.pid; error_log stderr notice; events {}
      http { access_log off; ${temporary} server { listen 127.0.0.1:${port} ${listen}; ${server} } }`,
    )
    const nginx = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    nginx.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    t.teardown(() => nginx.kill())
    const state = await until(
      () => `nginx to listen, which said ${said}`,
      () => (nginx.exitCode !== null ? 'ended' : said.includes('start worker process') ? 'ready' : undefined),
    )
    if (state === 'ready') return port
    if (!said.includes('Address already in use')) throw new Error(`nginx ended: ${said}`)
  }
  throw new Error('no port for nginx')
}
