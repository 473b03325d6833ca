// Converts every tile archive of a folder, and builds every GeoTIFF, into PMTiles files of another folder:
//   node dist/scripts/batch-convert.js IN OUT [AT_ONCE]
// What is up to date is skipped, what fails is listed at the end, and Ctrl-C leaves nothing half-made. It uses the
// library as any program would. `flagstone batch` does more: a process for each job, other commands, reports.
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { build, convert, FlagstoneError } from 'flagstone'

const ARCHIVES = new Set(['.mbtiles', '.pmtiles', '.ft', '.tar', '.zip', '.versatiles'])
const IMAGES = new Set(['.tif', '.tiff'])

const [from, to, atOnce = '2'] = process.argv.slice(2)
if (from === undefined || to === undefined) throw new Error('usage: batch-convert IN OUT [AT_ONCE]')

const interrupt = new AbortController()
const { signal } = interrupt
process.on('SIGINT', () => interrupt.abort())

const outOf = (name: string): string => join(to, name.replace(/\.[^.]+$/, '.pmtiles'))

const isUpToDate = (source: string, out: string): boolean =>
  existsSync(out) && !existsSync(`${out}.build`) && statSync(out).mtimeMs >= statSync(source).mtimeMs

async function one(name: string): Promise<string> {
  const source = join(from!, name)
  const kind = extname(name).toLowerCase()
  const out = outOf(name)
  if (isUpToDate(source, out)) return `${out}: up to date`
  mkdirSync(dirname(out), { recursive: true })
  const options = { out, overwrite: true }
  const report = IMAGES.has(kind)
    ? await build({ ...options, sources: [source], resume: existsSync(`${out}.build`) }, { signal })
    : await convert({ ...options, source }, { signal })
  return `${out}: ${report.tiles} tiles in ${report.seconds.toFixed(1)} s`
}

const names = (readdirSync(from, { recursive: true }) as string[])
  .filter((name) => ARCHIVES.has(extname(name).toLowerCase()) || IMAGES.has(extname(name).toLowerCase()))
  .sort()
if (new Set(names.map(outOf)).size < names.length) throw new Error(`two files of ${from} have one name`)
const failures: string[] = []

async function work(): Promise<void> {
  for (let name = names.shift(); name !== undefined && !signal.aborted; name = names.shift())
    try {
      console.log(await one(name))
    } catch (error) {
      // anything else is a defect, and ends the program
      if (!(error instanceof FlagstoneError)) throw error
      failures.push(`${name}: ${error.message}`)
    }
}

await Promise.all(Array.from({ length: Number(atOnce) }, work))
for (const failure of failures) console.error(failure)
process.exitCode = signal.aborted ? 130 : failures.length > 0 ? 1 : 0
