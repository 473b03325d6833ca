// Bytes that are no HTTP, or only nearly, or two requests in one: for raw sockets.
import { latin, type Random } from './fuzz-words.js'

/** What only looks like HTTP, or is another protocol. Never HEAD: where its answers end could not be told. */
export function brokenBytes(r: Random, good: (r: Random) => Buffer): Buffer {
  const get = (more: string, version = 'HTTP/1.1'): string => `GET /pictures.json ${version}\r\n${more}\r\n`
  const post = (more: string): string => `POST /pictures/point HTTP/1.1\r\nHost: a\r\n${more}`
  const host = 'Host: a\r\n'
  const made: (() => string)[] = [
    () => get(''),
    () => get('Host: a\r\nHost: b\r\n'),
    () =>
      get(
        host,
        r.pick([
          'HTTP/0.9',
          'HTTP/1.0',
          'HTTP/1.2',
          'HTTP/2.0',
          'HTTP/9.9',
          'HTTP/1.1 ',
          'http/1.1',
          'HTTP/',
          'HTCPCP/1.0',
          '',
        ]),
      ),
    () => get(`${host}No colon\r\n`),
    () => get(`${host}Space : x\r\n`),
    () => get(`${host} folded: x\r\n`),
    () => get(`${host}A: x\r\n\tfolded\r\n`),
    () => get(`${host}A: x\u0000y\r\n`),
    () => get(`${host}A: x\ry\r\n`),
    () => get(`${host}A\u0000: x\r\n`),
    () => get(`${host}: empty\r\n`),
    () => get(host).replaceAll('\r\n', '\n'),
    () => get(host).replaceAll('\r\n', '\r'),
    () => get(`${host}A: ${'x'.repeat(20_000)}\r\n`),
    () => get(host + 'A: x\r\n'.repeat(150)),
    () => get(host + 'A: x\r\n'.repeat(4000)),
    () => `GET /${'a'.repeat(40_000)} HTTP/1.1\r\n${host}\r\n`,
    () => `GET /pictures/\xff\xfe.json HTTP/1.1\r\n${host}\r\n`,
    () => `GET /a b c HTTP/1.1\r\n${host}\r\n`,
    () => `GET  /pictures.json HTTP/1.1\r\n${host}\r\n`,
    () => `GET pictures.json HTTP/1.1\r\n${host}\r\n`,
    () => `GET\t/pictures.json\tHTTP/1.1\r\n${host}\r\n`,
    () => ` ${get(host)}`,
    () => `\r\n\r\n\r\n${get(host)}`,
    () => `G\u0000T / HTTP/1.1\r\n${host}\r\n`,
    () =>
      `${r.pick(['XYZZY', 'get', 'GETT', 'CONNECT', '<xml>', 'G E T', '\u0016\u0003\u0001'])} / HTTP/1.1\r\n${host}\r\n`,
    () => `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n`,
    () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    () => post('Content-Length: 5\r\nContent-Length: 6\r\n\r\n{"a":1'),
    () => post('Content-Length: 5, 5\r\n\r\n{"a":'),
    () =>
      post(
        `Content-Length: ${r.pick(['-1', 'x', '1e3', '0x5', '+5', ' ', '99999999999999999999', '5;', '1 2'])}\r\n\r\nhello`,
      ),
    () => post('Content-Length: 1000\r\n\r\nshort'),
    () =>
      post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n'),
    () =>
      post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n'),
    () =>
      post(
        `Transfer-Encoding: ${r.pick(['xchunked', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', 'identity', 'Chunked', '\tchunked', 'chunked;a', '"chunked"', ''])}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      ),
    () =>
      post(
        `Transfer-Encoding: chunked\r\n\r\n${r.pick(['FFFFFFFFFFFFFFFFF', '-1', '0x5', 'g', '5 ', ' 5', '', '5;ext=x', `5;${'x'.repeat(30_000)}`, '7fffffffffffffff'])}\r\nhello\r\n0\r\n\r\n`,
      ),
    () => post('Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n'),
    () => post('Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\nContent-Length: 9\r\n\r\n'),
    () => post('Transfer-Encoding: chunked\r\n\r\n5\r\nhel'),
    () => post('Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'),
    () => post('Expect: 100-continue\r\nContent-Length: 28\r\n\r\n'),
    () => get(host).repeat(2 + r.int(40)),
    () => get(host).repeat(2) + randomText(r, 100),
    () => get(host) + post('Content-Length: 99999\r\n\r\nx'),
    () => get(`${host}Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`),
    () =>
      get(
        `${host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n`,
      ),
    () => randomText(r, 1 + r.int(2000)),
    () => good(r).toString('latin1').replace(/^HEAD/, 'GET').slice(0, r.int(400)),
    () => mangled(r, good(r).toString('latin1').replace(/^HEAD/, 'GET')),
  ]
  const bytes = latin(r.pick(made)())
  return /\bHEAD\b/.test(bytes.toString('latin1')) ? brokenBytes(r, good) : bytes
}

const randomText = (r: Random, length: number): string =>
  Array.from({ length }, () => String.fromCharCode(r.int(256))).join('')

function mangled(r: Random, text: string): string {
  const bytes = latin(text)
  for (let i = 0; i < 1 + r.int(4); i++) bytes[r.int(Math.min(bytes.length, 600))] = r.int(256)
  return bytes.toString('latin1')
}
