// Locks belong to an open file: two opens of one process exclude each other, death frees, mappings keep.
import { join } from 'node:path'
import t from 'tap'
import { openRealFile } from '../../src/platform/real-file.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { runChild, startChild } from '../helpers/processes.js'

t.test('exclusive excludes all, shared only exclusive; in one process, and as in memory', (t) => {
  const path = join(t.testdir(), 'file')
  openRealFile(path, 'create').close()
  const memory = new MemoryFile()
  for (const [a, b, kind] of [
    [openRealFile(path, 'readwrite'), openRealFile(path, 'readwrite'), 'real'],
    [memory, memory.reopen(), 'memory'],
  ] as const) {
    for (const name of ['writer', 'pin', 'attach'] as const) {
      t.ok(a.tryLock(name, 'exclusive'), `${kind} ${name}`)
      t.ok(a.tryLock(name, 'exclusive'), 'again, by who has it')
      t.notOk(b.tryLock(name, 'exclusive'))
      t.notOk(b.tryLock(name, 'shared'))
      t.ok(a.tryLock(name, 'shared'), 'downgraded')
      t.ok(b.tryLock(name, 'shared'))
      t.notOk(a.tryLock(name, 'exclusive'), 'not upgraded over somebody else')
      b.unlock(name)
      t.ok(a.tryLock(name, 'exclusive'))
      a.unlock(name)
      t.ok(b.tryLock(name, 'exclusive'))
      b.unlock(name)
    }
    t.ok(a.tryLock('writer', 'exclusive'))
    t.ok(b.tryLock('pin', 'exclusive'), 'three locks, not one')
    t.ok(b.tryLock('attach', 'exclusive'))
    a.close()
    t.ok(b.tryLock('writer', 'exclusive'), 'closing frees')
    b.close()
  }
  t.end()
})

t.test('a third open and its close do not touch a lock (as POSIX locks would)', (t) => {
  const path = join(t.testdir(), 'file')
  const a = openRealFile(path, 'create')
  t.ok(a.tryLock('writer', 'exclusive'))
  openRealFile(path, 'read').close()
  t.notOk(openRealFile(path, 'readwrite').tryLock('writer', 'exclusive'))
  t.end()
})

t.test('a file open for reading can share, not exclude', (t) => {
  const path = join(t.testdir(), 'file')
  openRealFile(path, 'create').close()
  const reader = openRealFile(path, 'read')
  t.ok(reader.tryLock('pin', 'shared'))
  t.throws(() => reader.tryLock('pin', 'exclusive'), 'EBADF, said as an error')
  t.end()
})

t.test('kill -9 frees', async (t) => {
  const path = join(t.testdir(), 'file')
  const file = openRealFile(path, 'create')
  const child = startChild(new URL('./lock-child.js', import.meta.url), ['hold', path])
  await child.line('held')
  if (process.platform === 'linux') {
    t.equal(file.lockHolder('writer'), child.process.pid, 'the process that has it is known')
    t.equal(file.lockHolder('pin'), undefined, 'shared: nobody keeps others from it')
  }
  t.notOk(file.tryLock('writer', 'exclusive'), 'held by another process')
  t.notOk(file.tryLock('pin', 'exclusive'))
  t.ok(file.tryLock('pin', 'shared'))
  child.kill('SIGKILL')
  t.equal((await child.end()).signal, 'SIGKILL')
  t.ok(file.tryLock('writer', 'exclusive'), 'free')
  t.ok(file.tryLock('pin', 'exclusive'))
})

t.test('a mapping keeps the pin after close, until the garbage collector has it', async (t) => {
  const path = join(t.testdir(), 'file')
  const lines = await runChild(new URL('./lock-child.js', import.meta.url), ['mapping', path], {
    execArgv: ['--expose-gc'],
  })
  t.same(lines, [
    'pin with a view: held',
    'writer with a view: free',
    'bytes through the view: 42',
    'pin without a view: free',
    'mapped without a view: 0',
  ])
})
