import {
  applyLora,
  type Graph,
  loadGraph,
  loraModules,
  mergeLora,
  newAdapters,
  Parameters,
} from '../engine/index.ts';
import { deriveModelFolder, type Model, openModel } from '../models/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { TrainConfig } from '../schemas/training.ts';
import { DecoderPrograms } from './decoder.ts';
import { embeddingName, embeddingTable, trainableWeights } from './weights.ts';

/** A model made ready for training: its vision encoder is frozen, its decoder is fed with the trained weights. */
export interface Trainee {
  model: Model;
  /** Everything that is trained: decoder weights and token embeddings, or the adapters alone. */
  parameters: Parameters;
  /** Names of the decoder's part of the parameters. */
  trained: string[];
  programs: DecoderPrograms;
  table: () => Float32Array;
  /** Writes the trained model as a folder of the same layout. */
  write(folder: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens the model of a folder for training as the configuration says. */
export async function openTrainee(folder: string, config: TrainConfig): Promise<Trainee> {
  const model = await openModel(folder, { threads: config.threads });
  const embed = await loadGraph(model.files.paths.embedTokens);
  const name = embeddingName(embed, model.files.config.text_config.hidden_size);
  const common = { model, embed, name, base: folder };
  return config.lora ? adapted(common, config, config.lora) : full(common, config);
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
  const programs = new DecoderPrograms(decoder, trained, config.threads);
  return {
    model,
    parameters,
    trained,
    programs,
    table: () => parameters.get(embeddingTable).data,
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
    close: () => closeAll(model, programs),
  };
}

function adapted(
  { model, embed, name, base }: Opened,
  config: TrainConfig,
  lora: NonNullable<TrainConfig['lora']>,
): Trainee {
  const options = { rank: lora.rank, alpha: lora.alpha, seed: config.seed };
  const modules = loraModules(model.decoder, pattern(lora.targets));
  const parameters = new Parameters(newAdapters(modules, options));
  const graph = applyLora(model.decoder, modules, parameters, options);
  const trained = parameters.names;
  const programs = new DecoderPrograms(graph, trained, config.threads);
  const table = Parameters.fromGraph(embed, [name]).get(name).data;
  return {
    model,
    parameters,
    trained,
    programs,
    table: () => table,
    write: (folder) =>
      deriveModelFolder(
        base,
        folder,
        { decoder: mergeLora(model.decoder, modules, parameters, options) },
        trainingNote(config),
      ),
    close: () => closeAll(model, programs),
  };
}

/** What the model card says beside what it said of the base. */
function trainingNote(config: TrainConfig): string {
  const { steps, batch, learningRate, lambda, consistency, adversarial, lora, seed } = config;
  const parts = ['cross-entropy on clean and perturbed samples'];
  if (adversarial.enabled) {
    parts.push(
      `cross-entropy under an attack on the embeddings (PGD, eps ${adversarial.eps}, ${adversarial.steps} steps)`,
    );
  }
  if (consistency !== 'none')
    parts.push(`${lambda} times the ${consistency.toUpperCase()} distance of answers in pairs`);
  const what = lora
    ? `Adapters of rank ${lora.rank}, merged into the decoder,`
    : 'The decoder and the token embeddings';
  return `## Trained further
${what} were trained against modality interference: ${steps} steps of batch ${batch}, learning rate ${learningRate}, seed ${seed};
${parts.join(', ')}. What is said above about figures and habits is about the model before that.`;
}

function pattern(targets: string): RegExp {
  try {
    return new RegExp(targets);
  } catch (cause) {
    throw new GuardError(
      ErrorCode.BadConfig,
      `training.lora.targets: '${targets}' is no regular expression (${(cause as Error).message})`,
      { cause },
    );
  }
}

async function closeAll(model: Model, programs: DecoderPrograms): Promise<void> {
  await programs.release();
  await model.close();
}
