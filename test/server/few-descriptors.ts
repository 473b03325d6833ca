// A program with few descriptors (ulimit -n) that uses them all up while its catalogue looks at folders. Prints what was
// served before, meanwhile and after, as JSON.
import { closeSync, openSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { insideOf, openTileServer } from '../../src/server/handler.js'
import { until } from '../helpers/waiting.js'

const root = process.argv[2]!
const server = await openTileServer([join(root, 'folder'), join(root, 'glob/**/*.pmtiles')], {
  watch: true,
  watchSeconds: 0.1,
})
const { catalog } = insideOf(server).context
const ids = (): string =>
  catalog
    .list()
    .map(({ id }) => id)
    .join()
const before = ids()

const taken: number[] = []
const takeAll = (): void => {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    // there are no more
  }
}
takeAll()
// of these it may have opened one before it looked
renameSync(join(root, 'later'), join(root, 'folder/later.pmtiles'))
await until('a look finds that nothing can be opened', () => {
  takeAll()
  return catalog.problems().length > 0
})
const meanwhile = new Set<string>()
for (let looks = 0; looks < 10; looks++) {
  takeAll()
  await after(150)
  meanwhile.add(ids())
}
for (const fd of taken) closeSync(fd)
await until('all that is there is served', () => ids().includes('later') && catalog.problems().length === 0)
const answers = await Promise.all(
  catalog
    .list()
    .map(async ({ id }) => (await server.fetch(new Request(`http://a.example/${id}/2/1/1`))).status),
)
console.log(JSON.stringify({ before, meanwhile: [...meanwhile], after: ids(), answers }))
await server.close()
