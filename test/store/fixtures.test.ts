// The committed sample files: valid ones are read and verified, invalid ones raise the error they are named by,
// and verify names the invariant. Other people's archives, where there are some.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FlagstoneError } from '../../src/errors.js'
import { openRealFile } from '../../src/platform/real-file.js'
import { openReader } from '../../src/store/read/open.js'
import { verify } from '../../src/store/report/verify.js'
import { TileWriter } from '../../src/store/write/writer.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { fixture, sharedData } from '../helpers/paths.js'

interface Valid {
  file: string
  tiles: { z: number; x: number; y: number; type: number; length: number; crc: number }[]
  metadata: Record<string, unknown>
  sources?: Record<string, unknown>[]
}
interface Invalid {
  file: string
  code: string
  when: string
  finding?: string
}
const listing = <T>(kind: string): T[] => JSON.parse(readFileSync(fixture(kind, 'flat.json'), 'utf8')) as T[]

for (const { file, tiles, metadata, sources = [] } of listing<Valid>('valid')) {
  t.test(file, (t) => {
    for (const mode of ['mmap', 'buffered'] as const) {
      const reader = openReader(openRealFile(fixture('valid', file), 'read'), { mode, check: 'always' })
      const listed = [...reader.tiles()].map(({ z, x, y, length }) => ({ z, x, y, length }))
      t.same(
        listed,
        tiles.map(({ z, x, y, length }) => ({ z, x, y, length })),
      )
      for (const { z, x, y, type, length, crc } of tiles) {
        const tile = reader.get(z, x, y)
        t.match({ type: tile?.type, length: tile?.bytes.length, crc: tile?.crc }, { type, length, crc })
      }
      t.match(reader.metadata(), metadata)
      t.same(reader.sources(), sources)
      reader.close()
    }
    const findings = verify(openRealFile(fixture('valid', file), 'read'))
    t.same(
      findings.filter((f) => !f.ok),
      [],
    )
    t.ok(findings.length >= 4)
    t.end()
  })
}

for (const { file, code, finding } of listing<Invalid>('invalid')) {
  t.test(file, (t) => {
    const open = (): MemoryFile =>
      new MemoryFile({ bytes: readFileSync(fixture('invalid', file)), path: file })
    let raised: unknown
    try {
      const reader = openReader(open())
      for (const { z, x, y } of reader.tiles()) reader.get(z, x, y)
      for (let z = 0; z < 3; z++)
        for (let x = 0; x < 2 ** z; x++) for (let y = 0; y < 2 ** z; y++) reader.get(z, x, y)
      reader.metadata()
      reader.sources()
    } catch (error) {
      raised = error
    }
    const findings = verify(open()).filter((f) => !f.ok)
    t.ok(findings.length > 0, 'verify finds something')
    if (finding !== undefined && file.endsWith('.flat'))
      t.ok(
        findings.some((f) => f.invariant === finding || f.message.includes(`${finding}:`)),
        `${finding} among ${findings.map((f) => `${f.invariant} ${f.message}`).join('; ')}`,
      )
    // What only a whole reading of a sealed file shows does not keep its tiles from being read.
    if (raised !== undefined || !file.includes('sealed-')) {
      t.ok(raised instanceof FlagstoneError, String(raised))
      t.equal((raised as FlagstoneError).code, code)
      t.ok((raised as FlagstoneError).message.startsWith(file))
    }
    if (file.endsWith('.flat')) {
      const image = open()
      try {
        TileWriter.reopen(image).abandon()
      } catch (error) {
        t.ok(error instanceof FlagstoneError, 'a writer refuses with a sentence, or can go on')
      }
    }
    t.end()
  })
}

t.test('archives of others', { skip: sharedData === undefined && 'needs the shared data' }, (t) => {
  const folder = join(sharedData!, 'archives')
  const outcome: Record<string, string> = {}
  for (const name of readdirSync(folder)) {
    const file = openRealFile(join(folder, name), 'read')
    try {
      const reader = openReader(file)
      let tiles = 0
      for (const { z, x, y, length } of reader.tiles()) {
        t.equal(reader.get(z, x, y)?.bytes.length, length)
        tiles++
      }
      outcome[name] = `${tiles} tiles`
    } catch (error) {
      if (!(error instanceof FlagstoneError)) throw error
      outcome[name] = error.code
    }
    file.close()
  }
  t.match(outcome, {
    'empty.pmtiles': 'NOT_A_TILE_FILE',
    'invalid.pmtiles': 'NOT_A_TILE_FILE',
    'invalid_v4.pmtiles': 'VERSION_UNSUPPORTED',
    'stamen_toner_z3.pmtiles': '85 tiles',
    'usgs-mt-whitney-8-15-webp-512.pmtiles': '50 tiles',
  })
  t.end()
})
