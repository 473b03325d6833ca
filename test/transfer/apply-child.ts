// Applies a patch and kills itself at the n-th call that changes the file, or lives on. Arguments: file, patch, undo, n.
import { apply } from '../../src/transfer/apply.js'
import { onEveryCall } from './failing-calls.js'

const [file, patch, undo, last] = process.argv.slice(2) as [string, string, string, string]
onEveryCall(file, (_, n) => {
  if (n === Number(last)) process.kill(process.pid, 'SIGKILL')
})
console.log('ready')
await apply({ file, patch, undo })
console.log('done')
