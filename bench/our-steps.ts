import { AdamW, clipScale, gradientNorm, int64, scatterRows, type Tensor } from '../engine/index.ts';
import { AnswerGradients, decoderFeeds, decoderSizes, openLastPosition } from '../models/index.ts';
import { DecoderPrograms, embedBatch, textIds } from '../training/index.ts';
import { DecoderCase } from './decoder-case.ts';

export interface OurStep {
  /** One step of a case; gives the loss. */
  run(): Promise<number>;
  close(): Promise<void>;
}

/** What a step of the attack may change, and how far it goes. */
const attack = { eps: 1e-3, alpha: 0.1 };

export async function ourStep(c: DecoderCase, threads: number): Promise<OurStep> {
  switch (c.options.kind) {
    case 'pgd':
      return pgdStep(c, threads);
    case 'infer':
      return inferenceStep(c, threads);
    default:
      return trainingStep(c, threads);
  }
}

function embedded({ options, embeddings, tokens, images }: DecoderCase): Float32Array {
  return embedBatch(embeddings, options.sizes.width, tokens, images);
}

/** Embedding lookup, loss at the last position, gradients, clipping, AdamW. */
function trainingStep(c: DecoderCase, threads: number): OurStep {
  const { sizes, rows, kind } = c.options;
  const { table } = DecoderCase;
  const trained = c.parameters.names.filter((name) => name !== table);
  const programs = new DecoderPrograms(c.graph, trained, { threads });
  const optimizer = new AdamW({ eps: 1e-6, weightDecay: 1e-4 });
  const loss = {
    name: 'bench',
    build: (b, logits) => b.crossEntropy(logits, b.input('answers')),
    wrt: kind === 'train' ? [...trained, 'inputs_embeds'] : trained,
  } satisfies Parameters<DecoderPrograms['program']>[0];
  const run = async () => {
    const feeds = {
      ...decoderFeeds(embedded(c), c.tokens, decoderSizes(sizes)),
      answers: int64([rows], c.answers),
    };
    const results = await (await programs.program(loss, feeds)).run(feeds, c.parameters);
    const gradients: Record<string, Tensor> = {};
    for (const name of trained) gradients[name] = results[`grad.${name}`]!;
    if (c.parameters.has(table)) {
      const { data, dims } = c.parameters.get(table);
      const sum = new Float32Array(data.length);
      const byRow = results['grad.inputs_embeds']!.data as Float32Array;
      scatterRows(sum, textIds(c.tokens, sizes.width, c.images), byRow, sizes.width);
      gradients[table] = { dtype: 'float32', dims, data: sum };
    }
    const scale = clipScale(gradientNorm(gradients), 1);
    optimizer.step(c.parameters, gradients, { learningRate: 3e-4, scale });
    return Number(results.loss!.data[0]);
  };
  return { run, close: () => programs.release() };
}

/** The gradient by the embeddings of the sum of the rows' losses, and one step of PGD along it. */
function pgdStep(c: DecoderCase, threads: number): OurStep {
  const { sizes } = c.options;
  const gradients = new AnswerGradients(c.graph, threads);
  const start = embedded(c);
  const delta = new Float32Array(start.length);
  const run = async () => {
    const moved = new Float32Array(start.length);
    for (let i = 0; i < moved.length; i++) moved[i] = start[i]! + delta[i]!;
    const { loss, gradient } = await gradients.at(
      decoderFeeds(moved, c.tokens, decoderSizes(sizes)),
      c.answers,
    );
    for (let i = 0; i < delta.length; i++) {
      delta[i] = Math.min(attack.eps, Math.max(-attack.eps, delta[i]! + attack.alpha * gradient[i]!));
    }
    return loss;
  };
  return { run, close: () => gradients.close() };
}

/** The logits at the last position, and from them the loss, to compare. */
async function inferenceStep(c: DecoderCase, threads: number): Promise<OurStep> {
  const { sizes, rows } = c.options;
  const runner = await openLastPosition(c.graph, threads);
  const run = async () => {
    const results = await runner.run(decoderFeeds(embedded(c), c.tokens, decoderSizes(sizes)));
    const logits = results.last_logits!.data as Float32Array;
    return meanLoss(logits, rows, c.answers);
  };
  return { run, close: () => runner.close() };
}

function meanLoss(logits: Float32Array, rows: number, answers: readonly number[]): number {
  const classes = logits.length / rows;
  const losses = answers.map((answer, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    const top = scores.reduce((a, b) => Math.max(a, b));
    return top + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0)) - scores[answer]!;
  });
  return losses.reduce((a, b) => a + b, 0) / rows;
}
