// Writes formats/batch-1.schema.json: `npm run schema`, after a change to src/batch/options.ts.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchSchema } from '../src/batch/options.js'
import { root } from './api/library.js'

writeFileSync(
  join(root, 'formats', 'batch-1.schema.json'),
  `${JSON.stringify(batchSchema(), undefined, 2)}\n`,
)
