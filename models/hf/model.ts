import { cancelled, type Graph, type Tensor } from '../../engine/index.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { AnswerModel, OpenOptions, RunOptions } from '../answer-model.ts';
import { chancesOf, fitting, type LeaveOut, NotTaken, notTaken, predictionOf, tooLong } from '../answers.ts';
import type { AttackBatch, AttackOptions, AttackResult, AttackSource } from '../attacks/batch.ts';
import { attackSamples } from '../attacks/samples.ts';
import { questionText } from '../prompt.ts';
import { Attacks } from './attack.ts';
import type { Decoder } from './decoder.ts';
import type { Family } from './family.ts';
import { type FolderParts, openParts } from './folder.ts';
import type { FeatureEncoder, Features } from './images.ts';
import { gatherPasts } from './past.ts';
import type { Abilities } from './probe.ts';
import type { Prompter } from './prompt.ts';
import { type Embedder, type Row, wholeOf } from './rows.ts';
import { batchesByLength, type CachedRow, type Group, splitGroups } from './schedule.ts';
import { blankFeeds, commonLength, type TrainingBatch, trainingBatch } from './training.ts';

const BATCH_SIZE = 32;
/** Different pictures whose questions are worked on at the same time. */
const WINDOW = 32;
/** Bytes of keys and values: of the prefixes that are kept at the same time, and of those that go into one run. */
const CACHE_BYTES = 512 * 2 ** 20;
const RUN_BYTES = 256 * 2 ** 20;

/** A model folder in the Hugging Face ONNX layout that answers multiple-choice questions. */
export class HfModel implements AnswerModel {
  private readonly folder: string;
  private readonly family: Family;
  private readonly prompter: Prompter;
  private readonly images: FeatureEncoder;
  private readonly embedder: Embedder;
  private readonly decoder: Decoder;
  private readonly abilities: Abilities;
  private readonly longest: number;
  private readonly release: () => Promise<void>;
  private readonly attacks: Attacks;

  private constructor(parts: FolderParts) {
    this.folder = parts.folder;
    this.family = parts.family;
    this.prompter = parts.prompter;
    this.images = parts.images;
    this.embedder = parts.embedder;
    this.decoder = parts.decoder;
    this.abilities = parts.abilities;
    this.longest = parts.longest;
    this.release = parts.release;
    this.attacks = new Attacks(parts);
  }

  /** Throws GuardError BAD_MODEL, naming the file and key, where the folder lacks something or holds another kind of model. */
  static async open(folder: string, options: OpenOptions = {}): Promise<HfModel> {
    return new HfModel(await openParts(folder, options));
  }

  /**
   * Answers each sample with the option whose letter has the largest logit behind the prompt; `probabilities` are the
   * softmax over these letters. Questions about the same picture share its features and the cache of what their prompts
   * begin with. A sample that the model cannot take has the outcome `impossible`. Throws GuardError BAD_INPUT naming a bad sample or image, CANCELLED where asked to stop.
   */
  async predict(samples: readonly PerturbedSample[], options: RunOptions = {}): Promise<Prediction[]> {
    const predictions: Prediction[] = new Array(samples.length);
    const run = new Run(options, samples.length);
    const answer = (rows: readonly Row[], logits: Float32Array) => {
      const vocabulary = logits.length / rows.length;
      for (const [i, { index, letters }] of rows.entries()) {
        const chances = chancesOf(logits.subarray(i * vocabulary, (i + 1) * vocabulary), letters);
        predictions[index] = predictionOf(samples[index]!, chances);
      }
      run.count(rows.length);
    };
    const leaveOut = (i: number) => {
      predictions[i] = notTaken(samples[i]!);
      run.count(1);
    };
    for (const window of this.windows(samples)) {
      run.check();
      const { groups, whole } = splitGroups(await this.rowsOf(samples, window, leaveOut));
      const cached = this.abilities.fromCache === 'none' ? [] : groups;
      const rest = this.abilities.fromCache === 'none' ? groups.flatMap(({ rows }) => rows) : [];
      await this.runWhole([...whole, ...rest], run, answer);
      for (const part of this.portions(cached)) await this.runCached(part, run, answer);
    }
    return predictions;
  }

  /**
   * Answers under an attack on the embeddings of the irrelevant modality (`attackSamples`). Throws GuardError BAD_INPUT
   * naming a sample that cannot be attacked, BAD_MODEL naming an operation that has no gradient, CANCELLED where asked to stop.
   */
  attack(samples: readonly PerturbedSample[], options: AttackOptions): Promise<AttackResult> {
    return attackSamples(this.attackSource(), samples, options);
  }

  attackSource(): AttackSource {
    return {
      batches: (asked, run) => this.attackBatches(asked, run),
      words: () => this.attacks.words(),
    };
  }

  /** The file that training changes, and its graph with logits at each row's last token alone. */
  get decoderPath(): string {
    return this.decoder.path;
  }
  decoderGraph(): Promise<Graph> {
    return this.decoder.graph();
  }

  /** The samples as one batch of `decoderGraph`. Throws GuardError BAD_INPUT naming a bad sample or image. */
  async trainingBatch(samples: readonly PerturbedSample[]): Promise<TrainingBatch> {
    const { decoder, embedder, family } = this;
    const rows = await this.rowsOf(samples, [...samples.keys()]);
    return trainingBatch({ decoder, embedder, imageToken: family.imageToken }, rows, samples);
  }

  /** The length that the samples are padded to in one batch. */
  async trainingLength(samples: readonly PerturbedSample[]): Promise<number> {
    return commonLength(await this.rowsOf(samples, [...samples.keys()]));
  }

  /** Feeds of a batch of full rows, for their shapes alone. */
  blankFeeds(rows: number, length: number): Record<string, Tensor> {
    return blankFeeds(this.decoder, rows, length);
  }

  async close(): Promise<void> {
    await this.attacks.close();
    await this.release();
  }

  private async *attackBatches(
    samples: readonly PerturbedSample[],
    options: RunOptions,
  ): AsyncGenerator<AttackBatch> {
    const run = new Run(options, samples.length);
    const size = this.abilities.batches ? options.batchSize : 1;
    for (const window of this.windows(samples)) {
      const rows = await this.rowsOf(samples, window);
      for await (const batch of this.attacks.batches(rows, samples, size)) {
        run.check();
        yield batch;
        run.count(batch.indices.length);
      }
    }
  }

  /** Places of the samples, those with the same picture together, some pictures at a time. */
  private *windows(samples: readonly PerturbedSample[]): Generator<number[]> {
    const byImage = new Map<string, number[]>();
    for (const [i, sample] of samples.entries()) {
      const key = sample.image ? this.images.keyOf(sample.image, '') : '';
      const alike = byImage.get(key);
      if (alike) alike.push(i);
      else byImage.set(key, [i]);
    }
    const groups = [...byImage.values()];
    for (let i = 0; i < groups.length; i += WINDOW) yield groups.slice(i, i + WINDOW).flat();
  }

  private async rowsOf(
    samples: readonly PerturbedSample[],
    indices: readonly number[],
    leaveOut?: LeaveOut,
  ): Promise<Row[]> {
    const asked = new Map(
      indices.map((index) => {
        const { image, ...sample } = samples[index]!;
        const text = questionText(sample);
        return [index, { text, image, key: image ? this.images.keyOf(image, text) : '' }];
      }),
    );
    const seen = [...asked.values()].flatMap(({ image, key, text }) => (image ? [{ image, key, text }] : []));
    const features = await this.images.features(seen);
    const rowAt = (index: number) => {
      const { key, text } = asked.get(index)!;
      return this.rowOf(samples[index]!, index, text, features.get(key) ?? null);
    };
    return fitting(indices, rowAt, leaveOut).map(({ made }) => made);
  }

  private rowOf(sample: PerturbedSample, index: number, text: string, features: Features | null): Row {
    const { imageToken, marker } = this.family;
    if (text.includes(marker))
      throw new NotTaken(sample.id, `its text holds ${marker}, which stands for an image; remove it`);
    const tokens = this.prompter.encode(text, features);
    const { ids } = tokens;
    if (ids.length > this.longest) throw tooLong(sample.id, ids.length, this.longest);
    const places = ids.reduce((count, id) => count + (id === imageToken ? 1 : 0), 0);
    if (places !== (features?.slots ?? 0)) {
      throw new GuardError(
        ErrorCode.BadModel,
        `${this.folder}: a picture has ${features?.slots ?? 0} features but ${places} places in the prompt; ` +
          'the processor and the vision encoder belong to different models',
      );
    }
    const counted = [Int32Array.from(ids, (_, i) => i)];
    const positions = this.family.positions?.(ids, features?.layout ?? null) ?? counted;
    return {
      ...tokens,
      index,
      features,
      positions,
      letters: this.prompter.letters.slice(0, sample.options.length),
    };
  }

  private async runWhole(rows: readonly Row[], run: Run, answer: Answer): Promise<void> {
    const size = this.abilities.batches ? run.batchSize : 1;
    for (const batch of batchesByLength(rows, ({ ids }) => ids.length, size)) {
      run.check();
      const tokens = await this.embedder.batch(batch.map(wholeOf), this.decoder.axes);
      answer(batch, await this.decoder.lastLogits(tokens));
    }
  }

  /** Groups in portions whose caches fit into memory together. */
  private *portions(groups: readonly Group[]): Generator<Group[]> {
    let portion: Group[] = [];
    let bytes = 0;
    for (const group of groups) {
      const own = group.prefix * this.decoder.bytesPerToken;
      if (portion.length > 0 && bytes + own > CACHE_BYTES) {
        yield portion;
        portion = [];
        bytes = 0;
      }
      portion.push(group);
      bytes += own;
    }
    if (portion.length > 0) yield portion;
  }

  private async runCached(groups: readonly Group[], run: Run, answer: Answer): Promise<void> {
    const byLength = new Map<number, CachedRow[]>();
    const size = this.abilities.batches ? run.batchSize : 1;
    for (const batch of batchesByLength(groups, ({ prefix }) => prefix, size)) {
      run.check();
      // Prefixes of different lengths are run apart: those of one run must not be padded, or the caches would hold the padding.
      for (const alike of byPrefix(batch)) {
        const spans = alike.map(({ prefix, rows }) => ({ row: rows[0] as Row, from: 0, to: prefix }));
        const past = await this.decoder.cache(await this.embedder.batch(spans, this.decoder.axes));
        const rows = alike.flatMap((group, at) => group.rows.map((row) => ({ row, past, at })));
        byLength.set(past.length, [...(byLength.get(past.length) ?? []), ...rows]);
      }
    }
    for (const [length, rows] of byLength) {
      const fitting = Math.max(1, Math.floor(RUN_BYTES / Math.max(1, length * this.decoder.bytesPerToken)));
      const together = this.abilities.fromCache === 'many' ? Math.min(run.batchSize, fitting) : 1;
      for (const batch of batchesByLength(rows, ({ row }) => row.ids.length - length, together)) {
        run.check();
        const past = gatherPasts(batch.map(({ at, past }) => ({ past, row: at })));
        const spans = batch.map(({ row }) => ({ row, from: length, to: row.ids.length }));
        const tokens = await this.embedder.batch(spans, this.decoder.axes, past);
        answer(
          batch.map(({ row }) => row),
          await this.decoder.lastLogits(tokens),
        );
      }
    }
  }
}

function byPrefix(groups: readonly Group[]): Group[][] {
  const found = new Map<number, Group[]>();
  for (const group of groups) found.set(group.prefix, [...(found.get(group.prefix) ?? []), group]);
  return [...found.values()];
}

/** Takes logits [rows, vocabulary]. */
type Answer = (rows: readonly Row[], logits: Float32Array) => void;

/** One call: its options, and how far it is. */
class Run {
  readonly batchSize: number;
  private readonly options: RunOptions;
  private readonly total: number;
  private done = 0;

  constructor(options: RunOptions, total: number) {
    this.batchSize = options.batchSize ?? BATCH_SIZE;
    this.options = options;
    this.total = total;
  }

  /** Throws GuardError CANCELLED once the caller wants the work to end. */
  check(): void {
    if (this.options.aborted?.()) throw cancelled('the prediction');
  }

  count(rows: number): void {
    this.done += rows;
    this.options.onProgress?.({ done: this.done, total: this.total });
  }
}
