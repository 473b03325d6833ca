// Damage of every kind in every format but TIFF (which has a test of its own): bytes flipped, cut, doubled and
// overwritten at random. Whatever comes, it is pixels or one sentence, soon and in bounded memory.

import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { withoutGdal } from '../helpers/gdal.js'
import { randomFrom } from '../helpers/random.js'
import { cpuMs } from '../helpers/waiting.js'
import { isOneSentence, outcomeOf, translated } from './against-gdal.js'

const UTM = { epsg: 32633, name: 'EPSG:32633', definition: '+proj=utm +zone=33 +datum=WGS84 +units=m' }
const ROUNDS = 40

type Damage = (bytes: Buffer, random: () => number) => Buffer

const at = (bytes: Buffer, random: () => number): number => Math.floor(random() ** 3 * bytes.length)

const DAMAGES: Record<string, Damage> = {
  flipped: (bytes, random) => {
    for (let i = 0; i < 3; i++) {
      const where = at(bytes, random)
      bytes[where] = bytes[where]! ^ (1 << Math.floor(random() * 8))
    }
    return bytes
  },
  cut: (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
  doubled: (bytes, random) => {
    const where = at(bytes, random)
    return Buffer.concat([bytes.subarray(0, where), bytes.subarray(Math.max(0, where - 200))])
  },
  overwritten: (bytes, random) => {
    const where = at(bytes, random)
    return bytes.fill(
      Math.floor(random() * 256),
      where,
      Math.min(bytes.length, where + Math.floor(random() * 60)),
    )
  },
  // Digits of headers and attributes.
  counted: (bytes, random) => {
    const digits = [...bytes.subarray(0, 3000).entries()].filter(([, byte]) => byte >= 0x30 && byte <= 0x39)
    const found = digits[Math.floor(random() * digits.length)]
    if (found === undefined) return bytes
    const more = ['9', '-', '0', '999999999', 'e9', '.', 'nan'][Math.floor(random() * 7)]!
    return Buffer.concat([bytes.subarray(0, found[0]), Buffer.from(more), bytes.subarray(found[0] + 1)])
  },
}

t.test('pixels or a sentence', { skip: withoutGdal }, async (t) => {
  const made = t.testdir()
  const files = [
    translated(made, 'a.png', '-of', 'PNG'),
    translated(made, 'a.jpg', '-of', 'JPEG'),
    translated(made, 'a.webp', '-of', 'WEBP'),
    translated(made, 'a.asc', '-b', '1', '-of', 'AAIGrid'),
    translated(made, 'a.vrt', '-of', 'VRT'),
  ]
  for (const file of files) {
    const name = basename(file)
    await t.test(name, async (t) => {
      const dir = t.testdir({
        [`${name}.aux.xml`]: '<PAMDataset><GeoTransform>0,1,0,0,0,-1</GeoTransform></PAMDataset>',
      })
      const whole = readFileSync(file)
      const random = randomFrom(whole.length)
      for (const [kind, damage] of Object.entries(DAMAGES)) {
        const outcomes = new Map<string, number>()
        const wrong: string[] = []
        let slowest = 0
        for (let i = 0; i < ROUNDS; i++) {
          const broken = damage(Buffer.from(whole), random)
          writeFileSync(join(dir, name), broken)
          const start = cpuMs()
          const { code, message } = await outcomeOf(join(dir, name), { crs: UTM }).catch((error) => ({
            code: 'BUG',
            message: String(error.stack),
          }))
          slowest = Math.max(slowest, cpuMs() - start)
          outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
          if (code === 'BUG' || (code !== 'read' && !isOneSentence(message))) wrong.push(`${i}: ${message}`)
        }
        t.same(wrong, [], `${kind}: ${JSON.stringify([...outcomes])}`)
        t.ok(slowest < 10_000, `${kind}: in time`)
      }
    })
  }
  const peak = process.resourceUsage().maxRSS / 1024
  t.ok(peak < 1024, `${Math.round(peak)} MiB at most`)
})

t.test('damage beside an image', { skip: withoutGdal }, async (t) => {
  const made = t.testdir()
  const file = translated(made, 'a.png', '-of', 'PNG', '-co', 'WORLDFILE=YES')
  const png = readFileSync(file)
  const pam = readFileSync(`${file}.aux.xml`)
  const world = readFileSync(join(made, 'a.wld'))
  const random = randomFrom(5)
  for (const [name, whole] of [
    ['a.png.aux.xml', pam],
    ['a.wld', world],
    ['a.prj', Buffer.from('PROJCS["x",GEOGCS["y",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.25]]]]')],
  ] as const) {
    const dir = t.testdir({ 'a.png': png, 'a.wld': world })
    for (let i = 0; i < ROUNDS; i++) {
      const damage = Object.values(DAMAGES)[i % 5]!
      writeFileSync(join(dir, name), damage(Buffer.from(whole), random))
      const { code, message } = await outcomeOf(join(dir, 'a.png'))
      if (code !== 'read' && !isOneSentence(message)) t.fail(`${name}: ${message}`)
    }
    t.pass(name)
  }
})
