// What a jobs file may say, checked once where it comes in. formats/batch-1.schema.json is made from these schemas.
import { z } from 'zod'

const text = z.string('expected a text').min(1, 'it is empty')
const word = z.union([text, z.number()], 'expected a text or a number')
const names = z.union([text, z.array(text)], 'expected a name or a list of names')
const scalar = z.union([z.string(), z.number(), z.boolean()], 'expected a text, a number, true or false')

const options = z
  .record(
    z.string(),
    z.union(
      [z.string(), z.number(), z.boolean(), z.array(word), z.record(z.string(), scalar)],
      'expected a text, a number, true, false, a list, or texts by key',
    ),
    'expected options by name, such as { max-zoom: 18 }',
  )
  .describe('Options of the command by their long names, without dashes: max-zoom or maxZoom.')

export const jobShape = z.strictObject(
  {
    command: text.describe('The command to run: build, convert, extract, merge, verify, digest …'),
    input: z
      .union([word, z.array(word)], 'expected a path or a list of paths')
      .describe(
        'What the command reads: a path or a list; globs too. With {name}, {dir} or {ext} in output, or without output, each file that a glob matches is a job.',
      ),
    output: text
      .optional()
      .describe('The file to create. {name}, {dir} and {ext} are those of the file a glob matched.'),
    options: options.optional(),
    name: text
      .optional()
      .describe('What needs and the report call this job (default: its output, or its command line).'),
    needs: names
      .optional()
      .describe(
        'Jobs that must end well before this one starts. A job whose input another job makes waits for it anyway.',
      ),
  },
  'expected a job, such as { command: build, input: a.tif, output: a.pmtiles }',
)

export const batchShape = z
  .strictObject(
    {
      defaults: z
        .record(z.string(), options, 'expected options by command, such as { build: { format: webp } }')
        .optional()
        .describe('Options of every job of a command, by command; those of a job replace them.'),
      jobs: z
        .array(jobShape, 'expected a list of jobs')
        .min(1, 'it is empty')
        .max(100_000, 'expected at most 100,000 jobs')
        .describe('The jobs, in the order in which they start.'),
    },
    'expected a map with jobs:, a list of jobs',
  )
  .describe('Jobs for flagstone batch. Relative paths start at the folder of this file.')

/** One job as it is written. */
export type JobText = z.output<typeof jobShape>
/** A jobs file. */
export type BatchText = z.output<typeof batchShape>
export type OptionTexts = NonNullable<JobText['options']>

/** The JSON schema of a jobs file, for editors. */
export const batchSchema = (): object => ({
  title: 'Jobs for flagstone batch',
  ...z.toJSONSchema(batchShape, { target: 'draft-7', io: 'input' }),
})
