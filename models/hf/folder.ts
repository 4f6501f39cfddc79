import { join } from 'node:path';
import { z } from 'zod';
import { loadHeader } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { OpenOptions } from '../answer-model.ts';
import { rangeOf } from '../attacks/pictures.ts';
import { withQFormer } from '../instructblip/vision.ts';
import { checked } from '../json.ts';
import { openFile, type Runner } from '../session.ts';
import { Decoder } from './decoder.ts';
import { familyIn } from './families/index.ts';
import type { Family } from './family.ts';
import { chooseGraphs, graphNames, optionalJson } from './files.ts';
import { type ImageConfig, readImageConfig } from './image-config.ts';
import { FeatureEncoder } from './images.ts';
import { type Abilities, probe } from './probe.ts';
import { Prompter } from './prompt.ts';
import { Embedder } from './rows.ts';
import { type FolderTokenizer, openTokenizer } from './tokenizer.ts';

/** The keys of config.json that every architecture needs; some write those of the text model beside the others. */
const TextConfig = z.object({
  hidden_size: z.number().int().positive().nullish(),
  max_position_embeddings: z.number().int().positive().nullish(),
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
  tokenizer: FolderTokenizer;
  /** Tokens that a prompt may have. */
  longest: number;
  release(): Promise<void>;
}

/** Opens a folder. Throws GuardError BAD_MODEL naming the file, and the key where one is missing or wrong. */
export async function openParts(
  folder: string,
  { dtype = 'auto', threads = 0, device = 'cpu' }: OpenOptions,
): Promise<FolderParts> {
  const { config, open: openFamily } = await familyIn(folder);
  const { graphs } = await chooseGraphs(folder, dtype, graphNames);
  const configPath = join(folder, 'config.json');
  const text = checked(TextConfig, config.text_config ?? config, configPath);
  const processorConfig = (await optionalJson(join(folder, 'processor_config.json'))) ?? {};
  const pictures = await readImageConfig(folder, config.model_type);
  const tokenizer = await loaded(`${folder}: tokenizer.json`, () => openTokenizer(folder));
  const tokenId = (token: string) => idOf(tokenizer, token, folder);
  const family = await loaded(pictures.path, () =>
    openFamily({ folder, config, processorConfig, images: pictures, tokenId }),
  );
  const prompter = await Prompter.open(folder, tokenizer, family, processorConfig);
  const width = text.hidden_size ?? (await widthOf(graphs.decoder_model_merged.path, configPath));
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
    const images = new FeatureEncoder(family, vision, width, graphs.vision_encoder.precision === 'q8');
    const longest = Math.min(text.max_position_embeddings ?? Infinity, tokenizer.longest);
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
        range: pixelRange(pictures.json),
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
function pixelRange({ image_mean: mean, image_std: std }: ImageConfig['json']): [number, number][] {
  const parsed = z.tuple([z.array(z.number()), z.array(z.number())]).safeParse([mean, std]);
  return parsed.success ? rangeOf(...parsed.data) : [];
}

/** The width of the embeddings that a decoder takes. Throws GuardError BAD_MODEL where neither it nor config.json says so. */
async function widthOf(decoder: string, config: string): Promise<number> {
  const { inputs } = await loadHeader(decoder);
  const width = inputs.find(({ name }) => name === 'inputs_embeds')?.dims?.at(-1);
  if (typeof width === 'number') return width;
  const what = `${config}: text_config.hidden_size is missing, and ${decoder} does not say it either; add it`;
  throw new GuardError(ErrorCode.BadModel, what);
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

function idOf(tokenizer: FolderTokenizer, token: string, folder: string): number {
  const id = tokenizer.idOf(token);
  if (typeof id === 'number') return id;
  throw new GuardError(ErrorCode.BadModel, `${folder}: the tokenizer has no token ${token}`);
}
