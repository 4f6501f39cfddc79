import { z } from 'zod';
import { splits } from './benchmark.ts';
import { Decides } from './task.ts';

const column = z.string().min(1);

/** How the columns of a team's table become samples (YAML or JSON). What is absent is found by the usual names. */
export const Mapping = z.strictObject({
  /** `null`: no column names the rows. */
  id: column.nullable().optional(),
  question: column.optional(),
  /** One column that holds a list, or a column for each option. */
  options: z.union([column, z.array(column).min(2)]).optional(),
  /** In an `options` column of text: what stands between the options. */
  separator: z.string().min(1).default('|'),
  /** Place of the option (from 0), its letter, or its text; `null`: the data have no answers. */
  answer: column.nullable().optional(),
  /** `place`, `place_from_1`, `letter` or `text`; absent: whichever fits. */
  answerForm: z.enum(['place', 'place_from_1', 'letter', 'text']).optional(),
  image: column.optional(),
  context: column.optional(),
  /** Column that names what is not independent: photo, customer, document. */
  source: column.optional(),
  split: z
    .strictObject({ column })
    .or(z.enum(splits as ['train', 'test', 'heldout']))
    .optional(),
  /** Which modality decides, for all rows or by a column that says "image", "text" or "both". */
  decides: z.strictObject({ column }).or(Decides).optional(),
  /** A question for all rows, where no column holds one. */
  ask: z.string().min(1).optional(),
  /** Options for all rows, where no column holds them. */
  choices: z.array(z.string().min(1).or(z.number())).min(2).optional(),
  /** Columns that are not looked at, such as a second picture that no sample needs. */
  ignore: z.array(column).default([]),
  /** Columns to keep for the slots of scenarios. */
  fields: z.array(column).default([]),
});
export type Mapping = z.infer<typeof Mapping>;
