// Prometheus' text format 0.0.4, read strictly, as its description has it
// (prometheus.io/docs/instrumenting/exposition_formats): what it does not allow throws.

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly type: string
  readonly help: string | undefined
  readonly samples: readonly Sample[]
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/y
const VALUE = /[ \t]+(\S+)(?:[ \t]+(-?\d+))?$/y
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped']

export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, { type: string; help: string | undefined; samples: Sample[] }>()
  const ended = new Set<string>()
  let current = ''
  const enter = (name: string): { type: string; help: string | undefined; samples: Sample[] } => {
    if (name !== current) {
      if (ended.has(name)) throw new Error(`${name} is in two places`)
      ended.add(current)
      current = name
    }
    let family = families.get(name)
    if (family === undefined) {
      family = { type: 'untyped', help: undefined, samples: [] }
      families.set(name, family)
    }
    return family
  }
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    const comment = /^#\s+(HELP|TYPE)\s+(\S+)\s*(.*)$/.exec(line)
    if (comment !== null) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string]
      const family = enter(name)
      if (kind === 'HELP') family.help = rest
      else if (!TYPES.includes(rest) || family.samples.length > 0) throw new Error(`misplaced: ${line}`)
      else family.type = rest
      continue
    }
    if (line.startsWith('#')) continue
    const sample = sampleOf(line)
    const base = sample.name.replace(/_(bucket|sum|count)$/, '')
    const owner = families.get(base)?.type === 'histogram' ? base : sample.name
    enter(owner).samples.push(sample)
  }
  for (const [name, family] of families) checkFamily(name, family)
  return families
}

function sampleOf(line: string): Sample {
  const fail = (): never => {
    throw new Error(`no sample: ${line}`)
  }
  NAME.lastIndex = 0
  const name = NAME.exec(line)?.[0] ?? fail()
  let at = name.length
  const labels: Record<string, string> = {}
  if (line[at] === '{') {
    at++
    while (line[at] !== '}') {
      LABEL.lastIndex = at
      const [whole, key, value] = LABEL.exec(line) ?? fail()
      if (Object.hasOwn(labels, key!)) fail()
      labels[key!] = value!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
      at += whole.length
      if (line[at] === ',') at++
      else if (line[at] !== '}') fail()
    }
    at++
  }
  VALUE.lastIndex = at
  const [, text] = VALUE.exec(line) ?? fail()
  const value = { '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN }[text!] ?? Number(text)
  if (Number.isNaN(value) && text !== 'NaN') fail()
  if (Number.isFinite(value) && !NUMBER.test(text!)) fail()
  return { name, labels, value }
}

/** No sample twice; buckets of histograms grow, and their last is the count. */
function checkFamily(name: string, { type, samples }: Family): void {
  const seen = new Set<string>()
  const buckets = new Map<string, { le: number; value: number }[]>()
  const counts = new Map<string, number>()
  for (const sample of samples) {
    const { le, ...others } = sample.labels
    const key = JSON.stringify(Object.entries(others).sort())
    const whole = `${sample.name} ${le} ${key}`
    if (seen.has(whole)) throw new Error(`twice: ${whole}`)
    seen.add(whole)
    if (type === 'counter' && !(sample.value >= 0)) throw new Error(`a counter below 0: ${whole}`)
    if (sample.name === `${name}_count`) counts.set(key, sample.value)
    if (sample.name !== `${name}_bucket`) continue
    const list = buckets.get(key) ?? []
    list.push({ le: le === '+Inf' ? Infinity : Number(le), value: sample.value })
    buckets.set(key, list)
  }
  if (type !== 'histogram') return
  for (const [key, list] of buckets) {
    list.forEach((bucket, i) => {
      const before = list[i - 1]
      if (before && !(bucket.le > before.le && bucket.value >= before.value))
        throw new Error(`${name} ${key}`)
    })
    const last = list.at(-1)!
    if (last.le !== Infinity || last.value !== counts.get(key))
      throw new Error(`${name} ${key}: +Inf and count`)
  }
}
