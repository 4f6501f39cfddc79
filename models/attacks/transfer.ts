import { Random } from '../../random/index.ts';
import { labelOf, type PerturbedSample, type Prediction } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { predictionOf } from '../answers.ts';
import { climbRows } from './apgd.ts';
import type { AttackBatch, AttackOptions, AttackResult, AttackSource } from './batch.ts';
import { MaskedSize } from './embeddings.ts';
import { leadOf } from './found.ts';
import { openEmbeddings } from './rows.ts';
import { usualSteps } from './strong.ts';

/**
 * Answers to examples that were made on another model, `options.from`, by steps along its gradient's sign that raise the lead of
 * the likeliest wrong option as far as they can. `origin` are that model's own answers to them. The two must read
 * a question as the same tokens. Throws GuardError BAD_INPUT where they do not.
 */
export async function attackByTransfer(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const { aborted, batchSize, from } = options;
  if (!from)
    throw new GuardError(
      ErrorCode.BadInput,
      'a transfer attack needs the model that its examples are made on',
    );
  const predictions: Prediction[] = new Array(samples.length);
  const own: Prediction[] = new Array(samples.length);
  const size = new MaskedSize();
  const others = from.batches(samples, { aborted, batchSize })[Symbol.asyncIterator]();
  for await (const batch of source.batches(samples, options)) {
    const { value: other } = (await others.next()) as { value: AttackBatch | undefined };
    if (!other || !isAlike(batch, other))
      throw new GuardError(
        ErrorCode.BadInput,
        'a transfer attack needs two models that read a question as the same tokens; leave "transfer" out of diagnosis.attack.kinds',
      );
    size.add(batch);
    const examples = await examplesOf(other, samples, options);
    const answers = await openEmbeddings(batch).chances(examples.map(({ change }) => change));
    for (const [row, i] of batch.indices.entries()) {
      predictions[i] = predictionOf(samples[i]!, answers[row]!);
      own[i] = predictionOf(samples[i]!, examples[row]!.chances);
    }
  }
  return { predictions, epsRelative: size.relative(options.eps), origin: own };
}

const isAlike = (one: AttackBatch, other: AttackBatch) =>
  one.embeds.length === other.embeds.length &&
  one.ids.every((id, at) => id === other.ids[at]) &&
  one.mask.every((masked, at) => masked === other.mask[at]) &&
  one.indices.every((index, row) => index === other.indices[row]);

interface Example {
  change: Float32Array;
  chances: number[];
  lead: number;
}

/** For each row the change that the model itself is surest of a wrong option under. */
async function examplesOf(
  batch: AttackBatch,
  samples: readonly PerturbedSample[],
  { eps, seed, strongSteps: steps = usualSteps }: AttackOptions,
): Promise<Example[]> {
  const rows = openEmbeddings(batch);
  const examples: Example[] = [];
  const climbers = batch.indices.map((i, row) => {
    const { id, options, perturbation } = samples[i]!;
    const random = new Random(seed, 'attack', 'transfer', id, perturbation);
    const start = Float32Array.from({ length: rows.counts[row]! }, () => eps * (2 * random.uniform() - 1));
    return { answer: labelOf(samples[i]!), aim: 'margin' as const, start, logits: options.map(() => 0) };
  });
  await climbRows(rows, climbers, { eps, steps: eps > 0 ? steps : 0 }, (row, chances, change) => {
    const lead = leadOf(chances, climbers[row]!.answer);
    if (!examples[row] || lead > examples[row].lead) examples[row] = { change, chances, lead };
    return false;
  });
  return examples;
}
