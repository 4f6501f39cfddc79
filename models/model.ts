import { cancelled, type Graph, loadGraph, type Tensor } from '../engine/index.ts';
import type { EncodedImage, PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { Device } from '../schemas/device.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { AnswerModel, OpenOptions, RunOptions } from './answer-model.ts';
import { chancesOf, fitting, type LeaveOut, notTaken, predictionOf } from './answers.ts';
import type { AttackOptions, AttackResult, AttackSource } from './attacks/batch.ts';
import { attackSource } from './attacks/mini.ts';
import type { OpenPicture } from './attacks/pictures.ts';
import { GraphGradients } from './attacks/pixel-gradients.ts';
import { planePlaces } from './attacks/pixel-places.ts';
import { attackSamples } from './attacks/samples.ts';
import { bucketByLength, padBatch, type Sequence, sequenceOf, type TokenBatch } from './batch.ts';
import { decoderFeeds, decoderInputs, openLastPosition } from './decoder.ts';
import { type ModelFolder, readModelFolder } from './folder.ts';
import { AnswerGradients } from './gradient.ts';
import { ImageEncoder, type ImageFeatures } from './images.ts';
import { expectNames, openRunner, type Runner } from './session.ts';

/** A padded batch with its embeddings, image features in place. */
export interface EmbeddedBatch {
  /** Places of the rows in the list of samples. */
  indices: number[];
  sequences: Sequence[];
  tokens: TokenBatch;
  /** [rows, length, width]. */
  embeds: Float32Array;
}

/** Small enough for the activations to stay in the processor's cache, large enough for two threads. */
const BATCH_SIZE = 32;

/**
 * Opens a model folder. Throws GuardError BAD_MODEL, naming the file, where one is missing, truncated or of another kind.
 */
export async function openModel(folder: string, options: OpenOptions = {}): Promise<Model> {
  const files = await readModelFolder(folder);
  const { paths, config } = files;
  const vision = await loadGraph(paths.visionEncoder);
  const embed = await loadGraph(paths.embedTokens);
  const decoder = await loadGraph(paths.decoder);
  expectNames(vision, ['pixel_values'], ['image_features']);
  expectNames(embed, ['input_ids'], ['inputs_embeds']);
  expectNames(decoder, decoderInputs(config.text_config), ['logits']);
  const { threads = 0, device = 'cpu' } = options;
  const runners: Runner[] = [];
  try {
    for (const graph of [vision, embed]) runners.push(await openRunner(graph, threads, device));
    runners.push(await openLastPosition(decoder, threads, device));
  } catch (cause) {
    await Promise.all(runners.map((runner) => runner.close()));
    throw cause;
  }
  return new Model(files, { vision, embed, decoder }, runners as [Runner, Runner, Runner], {
    threads,
    device,
  });
}

/** A multimodal model that answers multiple-choice questions. */
export class Model implements AnswerModel {
  readonly files: ModelFolder;
  private readonly vision: Graph;
  /** Token embeddings and decoder as they stand in the folder. */
  readonly embed: Graph;
  readonly decoder: Graph;
  readonly threads: number;
  readonly device: Device;
  private readonly images: ImageEncoder;
  private readonly embedTokens: Runner;
  private readonly lastLogits: Runner;
  private readonly runners: readonly Runner[];
  private gradients: AnswerGradients | undefined;
  private pixelGradients: GraphGradients | undefined;

  constructor(
    files: ModelFolder,
    graphs: { vision: Graph; embed: Graph; decoder: Graph },
    runners: [Runner, Runner, Runner],
    { threads, device }: { threads: number; device: Device },
  ) {
    this.files = files;
    this.vision = graphs.vision;
    this.embed = graphs.embed;
    this.decoder = graphs.decoder;
    this.threads = threads;
    this.device = device;
    this.runners = runners;
    const { image_seq_length: slots, text_config: text } = files.config;
    this.images = new ImageEncoder(runners[0], files.processor, slots, text.hidden_size);
    this.embedTokens = runners[1];
    this.lastLogits = runners[2];
  }

  /** The token embeddings [vocabulary, width], row-major, not to be written to. Throws GuardError BAD_MODEL where the file looks no table up. */
  get embeddingTable(): Float32Array {
    const { vocab_size: rows, hidden_size: width } = this.files.config.text_config;
    for (const node of this.embed.nodes) {
      const table = node.opType === 'Gather' && this.embed.initializers.get(node.inputs[0] ?? '');
      if (table && table.dtype === 'float32' && table.dims.join() === `${rows},${width}`) {
        return table.data as Float32Array;
      }
    }
    throw new GuardError(
      ErrorCode.BadModel,
      `${this.files.paths.embedTokens}: holds no float32 table [${rows}, ${width}] that a Gather reads`,
    );
  }

  /** Features after the projector, kept by the images' contents. Throws GuardError BAD_INPUT naming a bad image. */
  imageFeatures(images: readonly EncodedImage[]): Promise<ImageFeatures> {
    return this.images.features(images);
  }

  /**
   * Answers each sample with the option whose letter has the largest logit at the last position; `probabilities` are the
   * softmax over these letters. A sample that the model cannot take has the outcome `impossible`.
   * Throws GuardError BAD_INPUT naming a bad sample or image, CANCELLED where asked to stop.
   */
  async predict(samples: readonly PerturbedSample[], options: RunOptions = {}): Promise<Prediction[]> {
    const predictions: Prediction[] = new Array(samples.length);
    const leaveOut = (i: number) => {
      predictions[i] = notTaken(samples[i]!);
    };
    for await (const batch of this.batches(samples, { ...options, leaveOut })) {
      for (const [row, chances] of (await this.chances(batch)).entries()) {
        const i = batch.indices[row]!;
        predictions[i] = predictionOf(samples[i]!, chances);
      }
    }
    return predictions;
  }

  /** The samples in batches of like length, embedded. Progress is reported after each batch was consumed. */
  async *batches(
    samples: readonly PerturbedSample[],
    options: RunOptions & { leaveOut?: LeaveOut } = {},
  ): AsyncGenerator<EmbeddedBatch> {
    const { batchSize = BATCH_SIZE, aborted, leaveOut, onProgress } = options;
    const kept = fitting([...samples.keys()], (i) => sequenceOf(samples[i]!, this.files), leaveOut);
    let done = samples.length - kept.length;
    const sequences = kept.map(({ made }) => made);
    for (const places of bucketByLength(sequences, batchSize)) {
      if (aborted?.()) throw cancelled('the prediction');
      const indices = places.map((place) => kept[place]!.index);
      yield await this.embedRows(
        samples,
        indices,
        places.map((place) => sequences[place]!),
      );
      done += indices.length;
      onProgress?.({ done, total: samples.length });
    }
  }

  /** Softmax over the option letters of each row. `embeds` stands in for the batch's own embeddings. */
  async chances(batch: EmbeddedBatch, embeds = batch.embeds): Promise<number[][]> {
    const { config } = this.files;
    const results = await this.lastLogits.run(decoderFeeds(embeds, batch.tokens, config.text_config));
    const logits = results.last_logits!.data as Float32Array;
    const vocabulary = logits.length / batch.tokens.rows;
    if (!allFinite(logits)) {
      throw new GuardError(
        ErrorCode.BadModel,
        `${this.files.paths.decoder}: its logits are not finite; the weights are damaged or training diverged`,
      );
    }
    return batch.sequences.map(({ letters }, row) =>
      chancesOf(logits.subarray(row * vocabulary, (row + 1) * vocabulary), letters),
    );
  }

  /**
   * Answers under an attack on the embeddings of the irrelevant modality (`attackSamples`). Throws GuardError BAD_INPUT
   * naming a sample that cannot be attacked, CANCELLED where asked to stop.
   */
  attack(samples: readonly PerturbedSample[], options: AttackOptions): Promise<AttackResult> {
    return attackSamples(this.attackSource(), samples, options);
  }

  attackSource(): AttackSource {
    this.gradients ??= new AnswerGradients(this.decoder, this.threads, this.device);
    return attackSource(this, this.gradients);
  }

  /** A picture whose pixels an attack may change; its features stand at `slots`. */
  async openPicture(image: EncodedImage, slots: readonly number[]): Promise<OpenPicture> {
    this.pixelGradients ??= new GraphGradients(this.vision, this.threads);
    const { images, pixelGradients } = this;
    const values = await images.pixelsOf(image);
    const dims = [1, slots.length, this.files.config.text_config.hidden_size];
    const { height, range, width } = this.files.processor;
    return {
      values,
      range: [range],
      places: planePlaces(values.length, { channels: 1, height, width }),
      slots,
      features: (changed) => images.featuresOf(changed),
      gradient: (changed, features) =>
        pixelGradients.at(images.feedsOf(changed), 'pixel_values', {
          dtype: 'float32',
          dims,
          data: features,
        }),
    };
  }

  async close(): Promise<void> {
    await this.pixelGradients?.close();
    await this.gradients?.close();
    await Promise.all(this.runners.map((runner) => runner.close()));
  }

  private async embedRows(
    samples: readonly PerturbedSample[],
    indices: number[],
    sequences: Sequence[],
  ): Promise<EmbeddedBatch> {
    const { config } = this.files;
    const tokens = padBatch(sequences, config.text_config.pad_token_id);
    const { rows, length } = tokens;
    const ids: Tensor = { dtype: 'int64', dims: [rows, length], data: tokens.inputIds };
    const results = await this.embedTokens.run({ input_ids: ids });
    const embeds = results.inputs_embeds!.data as Float32Array;
    const withImage = indices.map((_, row) => row).filter((row) => sequences[row]!.imageSlots > 0);
    const { data, dims } = await this.imageFeatures(withImage.map((row) => samples[indices[row]!]!.image!));
    placeImageFeatures(embeds, tokens, withImage, data, dims[1] * dims[2]);
    return { indices, sequences, tokens, embeds };
  }
}

function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** Writes features [n, size] into the image slots of the n rows named. */
export function placeImageFeatures(
  embeds: Float32Array,
  tokens: TokenBatch,
  rowsWithImage: readonly number[],
  features: Float32Array,
  size: number,
): void {
  const width = embeds.length / (tokens.rows * tokens.length);
  for (const [i, row] of rowsWithImage.entries()) {
    const at = (row * tokens.length + tokens.starts[row]!) * width;
    embeds.set(features.subarray(i * size, (i + 1) * size), at);
  }
}
