// Several variants, measured in turns: A B C, A B C, … so that what disturbs the machine disturbs all of them.
import type { Row } from './report.js'

export interface Variant {
  readonly name: string
  readonly unit: string
  /** One round; returns its measure. */
  run(round: number): number | Promise<number>
  note?(): string | undefined
}

/** @param warmups rounds that do not count */
export async function interleave(
  variants: readonly Variant[],
  rounds: number,
  warmups: number,
  say: (message: string) => void,
): Promise<Row[]> {
  const samples = variants.map(() => [] as number[])
  for (let round = -warmups; round < rounds; round++) {
    for (const [i, variant] of variants.entries()) {
      say(`${round < 0 ? 'warm-up' : `round ${round + 1}/${rounds}`}: ${variant.name}`)
      const measure = await variant.run(round)
      if (round >= 0) samples[i]!.push(measure)
    }
  }
  return variants.map(({ name, unit, note }, i) => {
    const more = note?.()
    return { name, unit, samples: samples[i]!, ...(more === undefined ? {} : { note: more }) }
  })
}

/** Milliseconds the processors have worked for this process: all its threads, the collection of garbage too. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
