// Writes test/repository/api.md: `npm run api`, after a change to what the library exports.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readLibrary, root } from './library.js'
import { apiReport } from './report.js'

writeFileSync(join(root, 'test', 'repository', 'api.md'), apiReport(readLibrary()))
