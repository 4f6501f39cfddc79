import {
  applyLora,
  type Graph,
  int64,
  loadGraph,
  loraModules,
  mergeLora,
  newAdapters,
  Parameters,
  type Tensor,
} from '../engine/index.ts';
import {
  decoderFeeds,
  deriveModelFolder,
  irrelevantTokens,
  type Model,
  openModel,
  padBatch,
  paddedLength,
  sequenceOf,
  type TokenBatch,
} from '../models/index.ts';
import { labelOf, type PerturbedSample } from '../schemas/benchmark.ts';
import type { Device } from '../schemas/device.ts';
import type { TrainConfig } from '../schemas/training.ts';
import { DecoderPrograms, embedBatch, programSettings, textIds } from './decoder.ts';
import type { Group } from './group.ts';
import { loraOptions, shared } from './lora.ts';
import { type Trainee, targetPattern, trainingNote } from './trainee.ts';
import { embeddingName, embeddingTable, trainableWeights, weightBytes } from './weights.ts';

/** Opens a mini model for training as the configuration says. */
export async function openMini(
  folder: string,
  config: TrainConfig,
  device: Device = 'cpu',
): Promise<Trainee> {
  const model = await openModel(folder, { threads: config.threads, device });
  try {
    const embed = await loadGraph(model.files.paths.embedTokens);
    const name = embeddingName(embed, model.files.config.text_config.hidden_size);
    const opened = { model, embed, name, base: folder };
    return config.lora ? adapted(opened, config, config.lora) : full(opened, config);
  } catch (cause) {
    await model.close();
    throw cause;
  }
}

interface Opened {
  model: Model;
  embed: Graph;
  /** The embedding table's initializer in `embed`. */
  name: string;
  base: string;
}

function full({ model, embed, name, base }: Opened, config: TrainConfig): Trainee {
  const { decoder } = model;
  const trained = trainableWeights(decoder);
  const parameters = Parameters.fromGraph(decoder, trained);
  parameters.set(embeddingTable, Parameters.fromGraph(embed, [name]).get(name));
  const programs = new DecoderPrograms(decoder, trained, programSettings(config, model.device));
  return {
    ...common(model, programs, () => parameters.get(embeddingTable).data),
    parameters,
    trained,
    lossInputs: [...trained, 'inputs_embeds'],
    weights: parameters,
    dropped: [],
    async write(folder) {
      const [newDecoder, newEmbed] = [decoder.clone(), embed.clone()];
      for (const key of trained) newDecoder.initializers.set(key, parameters.get(key));
      newEmbed.initializers.set(name, parameters.get(embeddingTable));
      await deriveModelFolder(
        base,
        folder,
        { decoder: newDecoder, embedTokens: newEmbed },
        trainingNote(config),
      );
    },
  };
}

function adapted(
  { model, embed, name, base }: Opened,
  config: TrainConfig,
  lora: NonNullable<TrainConfig['lora']>,
): Trainee {
  const { decoder } = model;
  const options = loraOptions(lora, config.seed);
  const modules = loraModules(decoder, targetPattern(lora.targets));
  const parameters = new Parameters(newAdapters(modules, options));
  const graph = applyLora(decoder, modules, parameters, options);
  const { fed, weights } = shared(graph, parameters, model.device);
  const programs = new DecoderPrograms(graph, fed, programSettings(config, model.device));
  const table = Parameters.fromGraph(embed, [name]).get(name).data;
  return {
    ...common(model, programs, () => table),
    parameters,
    trained: parameters.names,
    lossInputs: parameters.names,
    weights,
    dropped: lora.dropout > 0 ? modules : [],
    write: (folder) =>
      deriveModelFolder(
        base,
        folder,
        { decoder: mergeLora(decoder, modules, parameters, options) },
        trainingNote(config),
      ),
  };
}

function common(model: Model, programs: DecoderPrograms, table: () => Float32Array) {
  const { decoder, embedTokens, visionEncoder, tokenizer } = model.files.paths;
  return {
    programs,
    files: [decoder, embedTokens, visionEncoder, tokenizer],
    weightBytes: [model.decoder, model.embed].reduce((sum, graph) => sum + weightBytes(graph), 0),
    group: (samples: readonly PerturbedSample[]) => groupOf(model, table(), samples),
    blank: (rows: number, length: number) => blank(model, rows, length),
    paddedLength: async (samples: readonly PerturbedSample[]) =>
      paddedLength(Math.max(...samples.map((sample) => sequenceOf(sample, model.files).ids.length))),
    async close() {
      await programs.release();
      await model.close();
    },
  };
}

async function groupOf(
  model: Model,
  table: Float32Array,
  samples: readonly PerturbedSample[],
): Promise<Group> {
  const { files } = model;
  const { hidden_size: width, pad_token_id: pad } = files.config.text_config;
  const sequences = samples.map((sample) => sequenceOf(sample, files));
  const tokens = padBatch(sequences, pad);
  const images = new Map<number, Float32Array>();
  for (const [row, { image }] of samples.entries()) {
    // One at a time: a feature must not depend on the images that happen to be encoded with it.
    if (image) images.set(row, (await model.imageFeatures([image])).data);
  }
  const answers = sequences.map(({ letters }, row) => letters[labelOf(samples[row]!)]!);
  return {
    samples,
    embeds: embedBatch(table, width, tokens, images),
    feeds: (embeds) => decoderFeeds(embeds, tokens, files.config.text_config),
    answers: int64([samples.length], answers),
    irrelevant: irrelevantTokens(samples, sequences, tokens),
    spans: tokens.starts.map((start) => [start, tokens.length] as const),
    tableIds: textIds(tokens, width, images),
  };
}

function blank({ files }: Model, rows: number, length: number): Record<string, Tensor> {
  const { text_config: text } = files.config;
  const tokens: TokenBatch = {
    rows,
    length,
    inputIds: new BigInt64Array(rows * length),
    attentionMask: new BigInt64Array(rows * length).fill(1n),
    positionIds: BigInt64Array.from({ length: rows * length }, (_, i) => BigInt(i % length)),
    starts: new Array(rows).fill(0),
  };
  return decoderFeeds(new Float32Array(rows * length * text.hidden_size), tokens, text);
}
