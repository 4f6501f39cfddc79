import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import {
  applyLora,
  graphInFloat32,
  int64,
  type LoraOptions,
  loadGraph,
  loraModules,
  mergeLora,
  newAdapters,
  Parameters,
  peftAdapter,
  peftFiles,
  saveGraph,
} from '../engine/index.ts';
import { adapterFolder, HfModel, wholeFolder } from '../models/index.ts';
import { labelOf, type PerturbedSample } from '../schemas/benchmark.ts';
import type { Device } from '../schemas/device.ts';
import type { TrainConfig } from '../schemas/training.ts';
import { pathInModel } from './architecture.ts';
import { DecoderPrograms, programSettings } from './decoder.ts';
import type { Group } from './group.ts';
import { DEFAULT_LORA, loraOptions, shared } from './lora.ts';
import { type Trainee, targetPattern, trainingNote } from './trainee.ts';
import { weightBytes } from './weights.ts';

/**
 * Opens a folder in the Hugging Face ONNX layout for training with adapters; the base stays as it is, in whatever
 * precision. Throws GuardError BAD_MODEL for a family whose modules have no known names.
 */
export async function openFolder(
  folder: string,
  settings: TrainConfig,
  { name, device }: { name: string; device: Device },
): Promise<Trainee> {
  const lora = settings.lora ?? DEFAULT_LORA;
  const config = { ...settings, lora };
  const inModel = pathInModel(await modelTypeOf(folder));
  const options = loraOptions(lora, config.seed);
  const targets = targetPattern(lora.targets);
  const model = await HfModel.open(folder, { threads: config.threads, device });
  try {
    const decoder = graphInFloat32(await model.decoderGraph());
    const modules = loraModules(decoder, targets);
    const parameters = new Parameters(newAdapters(modules, options));
    const graph = applyLora(decoder, modules, parameters, options);
    const { fed, weights } = shared(graph, parameters, device);
    const programs = new DecoderPrograms(graph, fed, programSettings(config, device));
    return {
      parameters,
      trained: parameters.names,
      lossInputs: parameters.names,
      weights,
      programs,
      dropped: lora.dropout > 0 ? modules : [],
      files: await filesOf(folder),
      weightBytes: weightBytes(decoder),
      group: (samples) => groupOf(model, samples),
      blank: (rows, length) => model.blankFeeds(rows, length),
      paddedLength: (samples) => model.trainingLength(samples),
      write: (out) =>
        writeTrained({ folder, name, out, model, parameters, options, targets, inModel, config }),
      async close() {
        await programs.release();
        await model.close();
      },
    };
  } catch (cause) {
    await model.close();
    throw cause;
  }
}

async function modelTypeOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => '{}');
  try {
    return String((JSON.parse(text) as { model_type?: unknown }).model_type ?? 'absent');
  } catch {
    return 'absent';
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function groupOf(model: HfModel, samples: readonly PerturbedSample[]): Promise<Group> {
  const { embeds, feeds, irrelevant, length, lengths, letters } = await model.trainingBatch(samples);
  const answers = letters.map((ids, row) => ids[labelOf(samples[row]!)]!);
  return {
    samples,
    embeds,
    feeds,
    answers: int64([samples.length], answers),
    irrelevant,
    spans: lengths.map((count) => [0, count] as const),
    // The embedding table is frozen.
    tableIds: new Int32Array(samples.length * length).fill(-1),
  };
}

interface Trained {
  folder: string;
  name: string;
  out: string;
  model: HfModel;
  parameters: Parameters;
  options: LoraOptions;
  targets: RegExp;
  inModel: (path: string) => string;
  config: TrainConfig;
}

/** The merged model as a folder of the same layout, and in its folder `adapter` the adapter alone. */
function writeTrained(trained: Trained): Promise<void> {
  const { folder, name, out, model, parameters, options, targets, inModel, config } = trained;
  return wholeFolder(out, async (into) => {
    await cp(folder, into, { recursive: true, filter: (path) => isKept(relative(folder, path)) });
    const decoder = await loadGraph(model.decoderPath);
    const modules = loraModules(decoder, targets);
    const merged = mergeLora(decoder, modules, parameters, options);
    await saveGraph(merged, join(into, relative(folder, model.decoderPath)));
    const adapter = join(into, adapterFolder);
    const peft = peftAdapter(modules, parameters, {
      ...options,
      pathInModel: inModel,
      base: name,
    });
    await mkdir(adapter);
    await writeFile(join(adapter, peftFiles.weights), peft.weights);
    await writeFile(join(adapter, peftFiles.config), peft.config);
    const card = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
    await writeFile(join(into, 'README.md'), `${card}\n${trainingNote(config)}\n`.trimStart());
  });
}

/** Decoders of other precisions would answer as before the training, and reference figures are those of the base. */
function isKept(path: string): boolean {
  const decoder = path.startsWith(join('onnx', 'decoder_model'));
  return !decoder && !path.startsWith('reference.') && path.split(sep)[0] !== adapterFolder;
}
