// `npm run size`: packs Flagstone, installs the package as a user would into a folder of its own, and lists what each
// package takes. Ends with 1 when all of them take more than they may.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installedSizes, LIMIT_BYTES, totalOf } from './installed-size.js'

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2).padStart(8)} MB`

const folder = mkdtempSync(join(tmpdir(), 'flagstone-size-'))
try {
  const npm = (...args: string[]): string => execFileSync('npm', args, { cwd: folder, encoding: 'utf8' })
  const said = npm('pack', process.cwd(), '--json', '--ignore-scripts')
  const [packed] = Object.values(JSON.parse(said) as Record<string, { filename: string }>)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  npm('install', '--omit=dev', '--no-audit', '--no-fund', `./${packed!.filename}`)
  const sizes = installedSizes(folder, 'node_modules/.package-lock.json')
  for (const { name, bytes } of sizes) console.log(`${megabytes(bytes)}  ${name}`)
  const total = totalOf(sizes)
  console.log(`${megabytes(total)}  in ${sizes.length} packages; at most ${megabytes(LIMIT_BYTES).trim()}`)
  if (total > LIMIT_BYTES) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
