// Puts what the viewer's pages load besides their own modules beside these: pages and style sheets as they are, and
// MapLibre GL from the developer's node_modules, so that who installs the package pays for no further dependency.
//
// node dist/scripts/viewer/copy.js [dist]
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const dist = resolve(process.argv[2] ?? join(here, '..', '..'))
const from = join(dist, '..', 'src', 'viewer')
const to = join(dist, 'src', 'viewer')
const vendor = join(to, 'vendor')
mkdirSync(vendor, { recursive: true })

for (const name of readdirSync(from)) {
  if (['.html', '.css', '.svg'].includes(extname(name))) copyFileSync(join(from, name), join(to, name))
}

const maplibre = dirname(createRequire(import.meta.url).resolve('maplibre-gl/package.json'))
copyFileSync(join(maplibre, 'LICENSE.txt'), join(vendor, 'maplibre-gl.LICENSE.txt'))
for (const name of ['maplibre-gl.mjs', 'maplibre-gl-worker.mjs', 'maplibre-gl.css']) {
  // the maps they point to stay behind
  const text = readFileSync(join(maplibre, 'dist', name), 'utf8')
  writeFileSync(join(vendor, name), text.replace(/^\/\/# sourceMappingURL=.*$/m, ''))
}
