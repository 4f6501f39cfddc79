import { join } from 'node:path';
import { z } from 'zod';
import { loadHeader } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Dtype } from '../../schemas/model.ts';
import type { OpenOptions } from '../answer-model.ts';
import { rangeOf } from '../attacks/pictures.ts';
import { withQFormer } from '../instructblip/vision.ts';
import { checked } from '../json.ts';
import { openFile, type Runner } from '../session.ts';
import { Decoder } from './decoder.ts';
import { familyIn } from './families/index.ts';
import type { Family } from './family.ts';
import { chooseGraphs, type GraphFile, graphNames, optionalJson } from './files.ts';
import { type ImageConfig, readImageConfig } from './image-config.ts';
import { FeatureEncoder } from './images.ts';
import { type Abilities, probe } from './probe.ts';
import { Prompter } from './prompt.ts';
import { Embedder } from './rows.ts';
import { type FolderTokenizer, openTokenizer } from './tokenizer.ts';

/** The keys of config.json that every architecture needs; some write those of the text model beside the others. */
const TextConfig = z.object({
  hidden_size: z
    .number()
    .int()
    .positive()
    .max(2 ** 20)
    .nullish(),
  max_position_embeddings: z.number().int().positive().nullish(),
});

/** Its mark for pictures; newer files write tokens as objects. */
const mark = z.string().min(1, 'expected a text that stands for a picture');
const ProcessorConfig = z.object({
  image_token: z
    .union([mark, z.object({ content: mark }).transform(({ content }) => content)], {
      error: 'expected a text that stands for a picture',
    })
    .nullish(),
});

/** Tokens of the shortest question that can be asked. */
const shortestPrompt = 16;

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

/** What the files of a folder say, before any graph is opened. */
interface ReadParts {
  graphs: Record<(typeof graphNames)[number], GraphFile>;
  pictures: ImageConfig;
  tokenizer: FolderTokenizer;
  family: Family;
  prompter: Prompter;
  width: number;
  longest: number;
}

/** Reads a folder's files but for the weights. Throws GuardError BAD_MODEL naming the file, and the key where one is missing or wrong. */
export async function readParts(folder: string, dtype: Dtype): Promise<ReadParts> {
  const { config, open: openFamily } = await familyIn(folder);
  const { graphs } = await chooseGraphs(folder, dtype, graphNames);
  const configPath = join(folder, 'config.json');
  const text = checked(TextConfig, config.text_config ?? config, configPath);
  const processorConfig = await readProcessorConfig(folder);
  const pictures = await readImageConfig(folder, config.model_type);
  const tokenizer = await loaded(join(folder, 'tokenizer.json'), () => openTokenizer(folder));
  const tokenId = (token: string) => idOf(tokenizer, token, folder);
  const family = await loaded(pictures.path, () =>
    openFamily({ folder, config, processorConfig, images: pictures, tokenId }),
  );
  const prompter = await Prompter.open(folder, tokenizer, family, processorConfig);
  checkMark(folder, config, family, prompter, tokenizer);
  const decoder = graphs.decoder_model_merged.path;
  const width = text.hidden_size ?? (await widthOf(decoder, configPath));
  const longest = Math.min(text.max_position_embeddings ?? Infinity, tokenizer.longest);
  if (longest < shortestPrompt) {
    const what = `${folder}: config.json's max_position_embeddings, or tokenizer_config.json's model_max_length, is ${longest}: no question fits; correct it`;
    throw new GuardError(ErrorCode.BadModel, what);
  }
  return { graphs, pictures, tokenizer, family, prompter, width, longest };
}

/** Opens a folder. Throws GuardError BAD_MODEL naming the file, and the key where one is missing or wrong. */
export async function openParts(
  folder: string,
  { dtype = 'auto', threads = 0, device = 'cpu' }: OpenOptions,
): Promise<FolderParts> {
  const { family, graphs, longest, pictures, prompter, tokenizer, width } = await readParts(folder, dtype);
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
    checkWidth(folder, decoder);
    const images = new FeatureEncoder(family, vision, width, graphs.vision_encoder.precision === 'q8');
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

/** processor_config.json; empty where there is none. Throws GuardError BAD_MODEL where its mark for pictures is no text. */
async function readProcessorConfig(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, 'processor_config.json');
  const json = (await optionalJson(path)) ?? {};
  const { image_token } = checked(ProcessorConfig, json, path);
  return { ...json, image_token: image_token ?? undefined };
}

/** Throws GuardError BAD_MODEL where a prompt's mark for a picture is not the token that config.json names. */
function checkMark(
  folder: string,
  config: Record<string, unknown>,
  { imageToken, marker }: Family,
  prompter: Prompter,
  tokenizer: FolderTokenizer,
): void {
  const path = join(folder, 'config.json');
  const key = config.image_token_index === undefined ? 'image_token_id' : 'image_token_index';
  if (!Number.isSafeInteger(imageToken) || imageToken < 0)
    throw new GuardError(
      ErrorCode.BadModel,
      `${path}: ${key}: expected the number of a token, found ${JSON.stringify(imageToken)}`,
    );
  if (prompter.marks() === 1) return;
  const own = tokenizer.idOf(marker);
  const found = own === undefined ? 'is no token in tokenizer.json' : `is token ${own} in tokenizer.json`;
  const why =
    own === imageToken ? 'is not one token of a prompt: tokenizer.json lacks it in added_tokens' : found;
  const what = `${path}: ${key} is ${imageToken}, but "${marker}" ${why}; take both files from one model`;
  throw new GuardError(ErrorCode.BadModel, what);
}

/** The width of the embeddings that a decoder takes. Throws GuardError BAD_MODEL where neither it nor config.json says so. */
async function widthOf(decoder: string, config: string): Promise<number> {
  const { inputs } = await loadHeader(decoder);
  const width = inputs.find(({ name }) => name === 'inputs_embeds')?.dims?.at(-1);
  if (typeof width === 'number') return width;
  const what = `${config}: text_config.hidden_size is missing, and ${decoder} does not say it either; add it`;
  throw new GuardError(ErrorCode.BadModel, what);
}

/** Throws GuardError BAD_MODEL where a decoder takes embeddings of another width than config.json says. */
function checkWidth(folder: string, { path, takes, width }: Decoder): void {
  if (takes === undefined || takes === width) return;
  const what = `${join(folder, 'config.json')}: text_config.hidden_size is ${width}, but ${path} takes embeddings of ${takes} numbers; take both from one model`;
  throw new GuardError(ErrorCode.BadModel, what);
}

/** What the library throws names neither the folder nor the file. */
async function loaded<T>(what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    const why = `${what}: cannot be used (${(cause as Error).message}); download or save it again`;
    throw new GuardError(ErrorCode.BadModel, why, { cause });
  }
}

function idOf(tokenizer: FolderTokenizer, token: string, folder: string): number {
  const id = tokenizer.idOf(token);
  if (typeof id === 'number') return id;
  throw new GuardError(ErrorCode.BadModel, `${folder}: the tokenizer has no token ${token}`);
}
