/**
 * Trains the base model from scratch with this project's own engine:
 * node dist/data/build/pretrain.js --out <folder> [--seed <n>] [--threads <n>] [--source <folder>]
 *
 * Checkpoints lie beside the folder; a killed run goes on from them when it is started again. With one seed and one
 * number of threads the result is the same to the byte. --steps and --encoder-steps shorten a trial.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Parameters } from '../../engine/index.ts';
import {
  buildDecoder,
  buildEmbedTokens,
  buildProjector,
  buildTower,
  buildTowerWithHeads,
  decoderSizes,
  imageTokens,
  initMini,
  type MiniSizes,
  miniPreprocessor,
  miniSizes,
  stitchVisionEncoder,
  writeModelFolder,
} from '../../models/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { readCheckpoint, writeCheckpoint } from '../../training/index.ts';
import { readPhotos } from './idx.ts';
import { shippedNouns } from './nouns.ts';
import { about } from './pretrain-card.ts';
import { PretrainData, skills } from './pretrain-data.ts';
import { DecoderPhase, emptyTally, type Tally } from './pretrain-decoder.ts';
import { EncoderPhase } from './pretrain-encoder.ts';
import type { Learner } from './pretrain-learner.ts';
import { openSources } from './source.ts';
import { vocabulary } from './vocabulary.ts';

const checkpointEvery = 200;
const printEvery = 100;

interface Run {
  out: string;
  seed: number;
  threads: number;
  encoderSteps: number;
  decoderSteps: number;
  sizes: MiniSizes;
  data: PretrainData;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

function options() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: '1' },
      source: { type: 'string' },
      steps: { type: 'string', default: '6200' },
      'encoder-steps': { type: 'string', default: '600' },
    },
  });
  const whole = (name: 'seed' | 'threads' | 'steps' | 'encoder-steps') => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value)) return value;
    throw new GuardError(ErrorCode.BadConfig, `--${name}: expected a whole number, found '${values[name]}'`);
  };
  if (!values.out) throw new GuardError(ErrorCode.BadConfig, '--out <folder> is missing');
  return {
    out: values.out,
    source: values.source,
    seed: whole('seed'),
    threads: whole('threads'),
    encoderSteps: whole('encoder-steps'),
    decoderSteps: whole('steps'),
  };
}

/** Runs a phase from its checkpoint, if there is one, to its last step. */
async function train(
  learner: Learner,
  plan: { file: string; digest: string; steps: number },
  step: (step: number, print: boolean) => Promise<void>,
): Promise<void> {
  const { optimizer, parameters } = learner;
  let done = 0;
  if (existsSync(plan.file)) {
    const checkpoint = await readCheckpoint(plan.file, plan.digest);
    for (const [name, tensor] of checkpoint.parameters.entries()) parameters.get(name).data.set(tensor.data);
    optimizer.restore(checkpoint.optimizer.state, checkpoint.optimizer.steps);
    done = checkpoint.step;
    print(`continuing from step ${done} of ${plan.file}`);
  }
  while (done < plan.steps) {
    await step(done, (done + 1) % printEvery === 0);
    done++;
    if (done % checkpointEvery === 0 || done === plan.steps) {
      await writeCheckpoint(plan.file, { parameters, optimizer, step: done, digest: plan.digest, notes: {} });
    }
  }
}

function named(run: Run, test: (name: string) => boolean): Parameters {
  return new Parameters([...initMini(run.seed, run.sizes)].filter(([name]) => test(name)));
}

const inEncoder = (name: string) => /^(vision_tower|photo_head|grid_head)\./.test(name);

async function trainEncoder(run: Run): Promise<Parameters> {
  const { out, seed, threads, encoderSteps: steps, sizes, data } = run;
  const parameters = named(run, inEncoder);
  const tower = buildTowerWithHeads(initMini(seed, sizes), sizes);
  const phase = await EncoderPhase.open(tower, data, { parameters, steps, side: sizes.imageSize, threads });
  const begin = performance.now();
  const digest = `encoder ${seed} ${steps} ${sizes.vocabulary}`;
  await train(phase.learner, { file: `${out}.encoder.checkpoint`, digest, steps }, async (step, wanted) => {
    const line = await phase.step(step);
    if (wanted || step < 3) print(`encoder ${step + 1}: ${line} ${seconds(begin)} s`);
  });
  await phase.release();
  return parameters;
}

async function trainDecoder(run: Run, encoder: Parameters): Promise<{ parameters: Parameters; last: Tally }> {
  const { out, seed, threads, decoderSteps: steps, sizes, data } = run;
  const parameters = named(run, (name) => !inEncoder(name));
  const weights = new Map([...initMini(seed, sizes), ...encoder.entries()]);
  const phase = await DecoderPhase.open(data, {
    parameters,
    decoder: buildDecoder(weights, sizes),
    projector: buildProjector(weights, sizes),
    tower: buildTower(weights, sizes),
    text: decoderSizes(sizes),
    slots: imageTokens(sizes),
    side: sizes.imageSize,
    steps,
    threads,
  });
  let tally = emptyTally();
  let last = tally;
  const begin = performance.now();
  // Not the number of steps: a run may be lengthened.
  const digest = `decoder ${seed} ${sizes.vocabulary}`;
  await train(phase.learner, { file: `${out}.decoder.checkpoint`, digest, steps }, async (step, wanted) => {
    const loss = await phase.step(step, tally);
    if (step < 5) print(`decoder ${step + 1}: loss ${loss.toFixed(4)} ${seconds(begin)} s`);
    if (!wanted) return;
    print(`decoder ${step + 1}: loss ${loss.toFixed(4)} ${shares(tally)} ${seconds(begin)} s`);
    last = tally;
    tally = emptyTally();
  });
  await phase.release();
  return { parameters, last };
}

const seconds = (begin: number) => ((performance.now() - begin) / 1000).toFixed(1);

function shares(tally: Tally): string {
  return skills.map((skill) => `${skill} ${(tally[skill].right / tally[skill].rows).toFixed(3)}`).join(' ');
}

async function main(): Promise<void> {
  const { source, ...given } = options();
  if (existsSync(given.out)) throw new GuardError(ErrorCode.BadConfig, `--out: ${given.out} exists already`);
  const sources = await openSources(source);
  const photos = await readPhotos(sources.photos, 'train').finally(() => sources.release());
  const nouns = shippedNouns();
  const words = vocabulary(nouns);
  const sizes = miniSizes(words.length);
  const scale = {
    side: sizes.imageSize,
    mean: miniPreprocessor.image_mean[0] as number,
    std: miniPreprocessor.image_std[0] as number,
  };
  const data = new PretrainData(photos, nouns, words, {
    seed: given.seed,
    imageSlots: imageTokens(sizes),
    scale,
  });
  const run: Run = { ...given, sizes, data };
  const encoder = await trainEncoder(run);
  const { parameters, last } = await trainDecoder(run, encoder);
  const weights = new Map([...encoder.entries(), ...parameters.entries()]);
  await writeModelFolder(given.out, {
    name: 'modality-guard mini',
    sizes,
    words,
    about: about(run.seed, shares(last)),
    visionEncoder: stitchVisionEncoder(buildTower(weights, sizes), buildProjector(weights, sizes), sizes),
    embedTokens: buildEmbedTokens(weights, sizes),
    decoder: buildDecoder(weights, sizes),
  });
  print(`model written to ${given.out}`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof GuardError ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
});
