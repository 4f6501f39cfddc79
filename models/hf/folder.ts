import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { z } from 'zod';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { OpenOptions } from '../answer-model.ts';
import { rangeOf } from '../attacks/pictures.ts';
import { withQFormer } from '../instructblip/vision.ts';
import { checked } from '../json.ts';
import { openFile, type Runner } from '../session.ts';
import { Decoder } from './decoder.ts';
import { familyOf } from './families/index.ts';
import type { Family } from './family.ts';
import { chooseGraphs, graphNames, readJson } from './files.ts';
import { FeatureEncoder } from './images.ts';
import { hfLibrary } from './library.ts';
import { type Abilities, probe } from './probe.ts';
import { Prompter } from './prompt.ts';
import { Embedder } from './rows.ts';

/** The keys of config.json that every architecture needs; some write those of the text model beside the others. */
const TextConfig = z.object({
  hidden_size: z.number().int().positive(),
  max_position_embeddings: z.number().int().positive().optional(),
});

/** Everything that answering takes. */
export interface FolderParts {
  folder: string;
  family: Family;
  prompter: Prompter;
  images: FeatureEncoder;
  embedder: Embedder;
  decoder: Decoder;
  abilities: Abilities;
  /** The vision encoder's file, its numbers of brightness 0 and 1 by channel, and a Q-Former's file where one reads what the tower gives. */
  vision: { path: string; range: [number, number][]; qformer?: { path: string; tower: Runner } };
  tokenizer: PreTrainedTokenizer;
  /** Tokens that a prompt may have. */
  longest: number;
  release(): Promise<void>;
}

/** Opens a folder. Throws GuardError BAD_MODEL naming the file, and the key where one is missing or wrong. */
export async function openParts(
  folder: string,
  { dtype = 'auto', threads = 0, device = 'cpu' }: OpenOptions,
): Promise<FolderParts> {
  const { graphs } = await chooseGraphs(folder, dtype, graphNames);
  const configPath = join(folder, 'config.json');
  const config = await readJson(configPath);
  const openFamily = familyOf(config, configPath);
  const text = checked(TextConfig, config.text_config ?? config, configPath);
  for (const file of ['tokenizer.json', 'preprocessor_config.json']) await readJson(join(folder, file));
  const library = await hfLibrary();
  const tokenizer = await loaded(`${folder}: tokenizer.json`, () =>
    library.AutoTokenizer.from_pretrained(folder),
  );
  const processorConfig = await optionalJson(join(folder, 'processor_config.json'));
  const tokenId = (token: string) => idOf(tokenizer, token, folder);
  const family = await loaded(`${folder}: preprocessor_config.json`, () =>
    openFamily({ folder, library, config, processorConfig, tokenId }),
  );
  const prompter = await Prompter.open(folder, tokenizer, family);
  const width = text.hidden_size;
  const open: { close(): Promise<void> }[] = [];
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const found = await opening;
    open.push(found);
    return found;
  };
  const release = async () => {
    await Promise.all(open.map((each) => each.close()));
  };
  try {
    const tower = await keep(openFile(graphs.vision_encoder.path, threads, { device }));
    const qformer = family.readsText ? (await chooseGraphs(folder, dtype, ['qformer'])).graphs.qformer : null;
    const vision = qformer
      ? withQFormer(tower, await keep(openFile(qformer.path, threads, { device })))
      : tower;
    const embedder = await keep(Embedder.open(graphs.embed_tokens.path, family, width, threads));
    const decoder = await keep(Decoder.open(graphs.decoder_model_merged.path, width, threads, device));
    const images = new FeatureEncoder(
      library,
      family,
      vision,
      width,
      graphs.vision_encoder.precision === 'q8',
    );
    const longest = Math.min(
      text.max_position_embeddings ?? Infinity,
      tokenizer.model_max_length ?? Infinity,
    );
    return {
      folder,
      family,
      prompter,
      images,
      embedder,
      decoder,
      abilities: await probe(decoder),
      vision: {
        path: graphs.vision_encoder.path,
        range: await pixelRange(folder),
        ...(qformer ? { qformer: { path: qformer.path, tower } } : {}),
      },
      tokenizer,
      longest,
      release,
    };
  } catch (cause) {
    await release();
    throw cause;
  }
}

/** Empty where the processor does not normalise by channel. */
async function pixelRange(folder: string): Promise<[number, number][]> {
  const { image_mean: mean, image_std: std } = await readJson(join(folder, 'preprocessor_config.json'));
  const parsed = z.tuple([z.array(z.number()), z.array(z.number())]).safeParse([mean, std]);
  return parsed.success ? rangeOf(...parsed.data) : [];
}

async function optionalJson(path: string): Promise<Record<string, unknown>> {
  return (await stat(path).catch(() => null)) ? readJson(path) : {};
}

/** What the library throws names neither the folder nor the file. */
async function loaded<T>(what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    throw new GuardError(ErrorCode.BadModel, `${what} cannot be used (${(cause as Error).message})`, {
      cause,
    });
  }
}

function idOf(tokenizer: PreTrainedTokenizer, token: string, folder: string): number {
  const id = tokenizer.convert_tokens_to_ids(token) as number | undefined;
  if (typeof id === 'number') return id;
  throw new GuardError(ErrorCode.BadModel, `${folder}: the tokenizer has no token ${token}`);
}
