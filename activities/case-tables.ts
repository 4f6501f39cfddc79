import { join } from 'node:path';
import { MediaType } from '../schemas/artifact.ts';
import type { CaseAnswer, FailingCase } from '../schemas/case.ts';
import { type Row, type TableSchema, writeCsvFile, writeTableFile } from '../store/index.ts';

export const caseFiles = { cases: 'cases.csv', casesParquet: 'cases.parquet' } as const;

const text = { kind: 'string', nullable: true } as const;
const share = { kind: 'float64', nullable: true } as const;

const columns = {
  id: { kind: 'string' },
  source: { kind: 'string' },
  task: text,
  taskKind: { kind: 'string' },
  perturbation: { kind: 'string' },
  template: { kind: 'string' },
  /** Null: the model does not fail; after training there only in a run. */
  failure: text,
  failureAfter: text,
  context: text,
  question: { kind: 'string' },
  inside: text,
  options: { kind: 'list<string>' },
  after: text,
  /** Options, in their own words. */
  right: text,
  pointsTo: text,
  cleanAnswer: text,
  cleanProbability: share,
  perturbedAnswer: text,
  perturbedProbability: share,
  perturbedOutcome: { kind: 'string' },
  trainedCleanAnswer: text,
  trainedPerturbedAnswer: text,
} as const satisfies TableSchema;

function rowOf(one: FailingCase): Row<typeof columns> {
  const { after, answer, before, hinted, options, texts, ...rest } = one;
  const option = (index: number | null | undefined) =>
    typeof index === 'number' ? (options[index] ?? null) : null;
  const chance = ({ predicted, probabilities }: CaseAnswer) =>
    predicted === null ? null : (probabilities[predicted] ?? null);
  const { id, perturbation, question, source, task, taskKind, template } = rest;
  return {
    ...{ id, source, task, taskKind, perturbation, template, question, options },
    ...texts.perturbed,
    failure: before.failure,
    failureAfter: after?.failure ?? null,
    right: option(answer),
    pointsTo: option(hinted),
    cleanAnswer: option(before.clean.predicted),
    cleanProbability: chance(before.clean),
    perturbedAnswer: option(before.perturbed.predicted),
    perturbedProbability: chance(before.perturbed),
    perturbedOutcome: before.perturbed.outcome,
    trainedCleanAnswer: option(after?.clean.predicted),
    trainedPerturbedAnswer: option(after?.perturbed.predicted),
  };
}

/** Names of the tables among a run's artifacts, by their files. */
export const caseArtifacts = {
  'cases/csv': { file: caseFiles.cases, mediaType: MediaType.Csv },
  'cases/parquet': { file: caseFiles.casesParquet, mediaType: MediaType.Parquet },
} as const;

/** Writes every failing case, a row each, into a folder. @throws GuardError Storage */
export async function writeCases(folder: string, cases: readonly FailingCase[]): Promise<void> {
  const rows = cases.map(rowOf);
  await writeCsvFile(join(folder, caseFiles.cases), columns, rows);
  await writeTableFile(join(folder, caseFiles.casesParquet), columns, rows);
}
