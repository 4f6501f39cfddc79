import { join } from 'node:path';
import type { PerturbedSample, Prediction, Sample } from '../../schemas/benchmark.ts';
import type { LossPoint } from '../../schemas/report.ts';
import {
  ArtifactStore,
  type TableSchema,
  type Tensors,
  writeLosses,
  writePredictions,
  writeSamples,
  writeTable,
  writeTensors,
} from '../../store/index.ts';
import { sample } from './data.ts';

/** More rows than one row group holds, with every kind of null and of empty list. */
const samples: Sample[] = Array.from({ length: 5000 }, (_, i) =>
  sample(i, {
    question: `question ${i} – größe 🐕 \u0000?`,
    options: Array.from({ length: i % 6 }, (_, j) => (j === 3 ? '' : `option ${j}`)),
    image:
      i % 3 === 0
        ? null
        : { bytes: Uint8Array.of(137, i % 256, 0, 255), path: i % 3 === 1 ? null : `${i}.png` },
  }),
);
const perturbed: PerturbedSample[] = samples.slice(0, 60).map((item, i) => ({
  ...item,
  perturbation: i % 2 ? 'misleading_text' : 'full_black',
  variant: i % 2 ? 'depict' : '',
  hinted: i % 2 ? i % 4 : null,
}));
const predictions: Prediction[] = Array.from({ length: 300 }, (_, i) => ({
  id: `s${i}`,
  taskKind: 'vqa',
  perturbation: 'origin',
  answer: i % 4,
  predicted: (i * 7) % 4,
  probabilities: [1 / (i + 2), 1e-300, 1 - 1 / (i + 2)],
}));
const losses: LossPoint[] = Array.from({ length: 150 }, (_, step) => ({
  step,
  total: 1 / (step + 3),
  sft: step / 7,
  adversarial: 1e-9 * step,
  consistency: 0 - step / 11,
  learningRate: 3e-4,
  gradientNorm: 1e12 + step,
}));
const log = {
  at: { kind: 'int64' },
  request: { kind: 'string' },
  challenger: { kind: 'bool' },
  seconds: { kind: 'float32', nullable: true },
  body: { kind: 'binary', nullable: true },
  tokens: { kind: 'list<int32>', nullable: true },
} as const satisfies TableSchema;
const requests = Array.from({ length: 20 }, (_, i) => ({
  at: 1_790_000_000_000 + i,
  request: `r${i}`,
  challenger: i % 3 === 0,
  seconds: i % 4 ? i / 8 : null,
  body: i % 2 ? Uint8Array.of(i, 0, 255) : null,
  tokens: i % 5 === 0 ? null : Array.from({ length: i % 3 }, (_, j) => j - i),
}));
const tensors: Tensors = {
  names: Array.from({ length: 7 }, (_, i) => `tensor ${i} ü`),
  shape: [2, 1, 3],
  data: Float32Array.from({ length: 42 }, (_, i) => i / 3),
};

const text = 'string';
const sampleTypes = {
  id: text,
  taskKind: text,
  split: text,
  question: text,
  options: 'list<element: string>',
  answer: 'int32',
  context: text,
  image: 'struct<bytes: binary, path: string>',
  source: text,
};

export interface TableCase {
  /** Types as pyarrow prints them. */
  types: Record<string, string>;
  rows: Record<string, unknown>[];
}

/** What our writers are given, as other readers should see it. */
export const tableCases: Record<string, TableCase> = {
  'samples.parquet': { types: sampleTypes, rows: samples as never },
  'perturbed.parquet': {
    types: { ...sampleTypes, perturbation: text, variant: text, hinted: 'int32' },
    rows: perturbed as never,
  },
  'predictions.parquet': {
    types: {
      id: text,
      taskKind: text,
      perturbation: text,
      answer: 'int32',
      predicted: 'int32',
      probabilities: 'list<element: double>',
    },
    rows: predictions as never,
  },
  'losses.parquet': {
    types: Object.fromEntries(
      ['step', 'total', 'sft', 'adversarial', 'consistency', 'learningRate', 'gradientNorm'].map((name) => [
        name,
        name === 'step' ? 'int32' : 'double',
      ]),
    ),
    rows: losses,
  },
  'requests.parquet': {
    types: {
      at: 'int64',
      request: text,
      challenger: 'bool',
      seconds: 'float',
      body: 'binary',
      tokens: 'list<element: int32>',
    },
    rows: requests,
  },
  'empty.parquet': { types: sampleTypes, rows: [] },
};

export const tensorCase = tensors;

/** Writes every kind of file into a store: file name -> path. */
export async function writeTables(folder: string): Promise<Record<string, string>> {
  const store = await ArtifactStore.open(join(folder, 'store'));
  const refs = {
    'samples.parquet': await writeSamples(store, samples),
    'perturbed.parquet': await writeSamples(store, perturbed),
    'predictions.parquet': await writePredictions(store, predictions),
    'losses.parquet': await writeLosses(store, losses),
    'requests.parquet': await writeTable(store, log, requests),
    'empty.parquet': await writeSamples(store, []),
    'tensors.arrow': await writeTensors(store, tensors),
  };
  const paths: Record<string, string> = {};
  for (const [name, ref] of Object.entries(refs)) paths[name] = await store.path(ref);
  return paths;
}
