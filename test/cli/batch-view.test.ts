// What is shown while a batch runs.
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { PlannedJob } from '../../src/batch/plan.js'
import type { JobReport } from '../../src/batch/report.js'
import type { JobProgress } from '../../src/batch/run.js'
import { batchView } from '../../src/cli/batch/view.js'
import type { Io } from '../../src/cli/io.js'

t.test('a batch takes at least as long as the job that takes longest', async (t) => {
  let shown = ''
  const sink = { write: (text: string) => (shown += text) }
  const io = { isTerminal: true, columns: () => 100, terminal: sink, stderr: sink, stdout: sink }
  const view = batchView(io as unknown as Io, {}, 3)
  t.teardown(() => view.stop())
  const job = (name: string): PlannedJob => ({ name }) as PlannedJob
  view.end({ name: 'small', status: 'done' } as JobReport)
  view.start(job('large'))
  view.start(job('silent'))
  view.progress(job('large'), { tilesDone: 1, tilesTotal: 10, etaSeconds: 90 } as JobProgress)
  // a timer draws; the time limit of the test says if it does not
  while (!shown.includes('1 of 3 jobs')) await wait(20)
  const [, time] = /large +(\S.*) left$/m.exec(shown)!
  t.match(shown, `1 of 3 jobs ended, 2 running, ${time} left`)
})
