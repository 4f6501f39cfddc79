import { join } from 'node:path';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { optionalJson } from './files.ts';

type Json = Record<string, unknown>;

/** How a folder's pictures are prepared. */
export interface ImageConfig {
  /** With what the processor's class takes where the file says nothing; nothing in it is null. */
  json: Json;
  /** The file, and the key in it, for messages. */
  path: string;
}

const clip = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
const half = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
const scaled = { do_resize: true, do_rescale: true, rescale_factor: 1 / 255, do_normalize: true };
const square = (side: number) => ({ height: side, width: side });
const cropped = {
  ...scaled,
  ...clip,
  size: { shortest_edge: 224 },
  resample: 3,
  do_center_crop: true,
  crop_size: square(224),
};
const tiled = {
  ...scaled,
  ...half,
  size: { longest_edge: 4 * 364 },
  max_image_size: { longest_edge: 364 },
  resample: 1,
};

/** What the classes of transformers take where a file says nothing. */
const defaults: Readonly<Record<string, Json>> = {
  CLIPImageProcessor: cropped,
  BitImageProcessor: cropped,
  LlavaImageProcessor: cropped,
  LlavaNextImageProcessor: {
    ...scaled,
    ...clip,
    size: { shortest_edge: 224 },
    resample: 3,
    image_grid_pinpoints: [
      [336, 672],
      [672, 336],
      [672, 672],
      [1008, 336],
      [336, 1008],
    ],
  },
  SiglipImageProcessor: { ...scaled, ...half, size: square(224), resample: 3 },
  ViTImageProcessor: { ...scaled, ...half, size: square(224), resample: 2 },
  BlipImageProcessor: { ...scaled, ...clip, size: square(384), resample: 3 },
  Idefics3ImageProcessor: tiled,
  SmolVLMImageProcessor: tiled,
  Qwen2VLImageProcessor: {
    ...scaled,
    ...clip,
    resample: 3,
    patch_size: 14,
    temporal_patch_size: 2,
    merge_size: 2,
  },
};
/** The class where the file names none, by `model_type`. */
const usual: Readonly<Record<string, string>> = {
  llava: 'CLIPImageProcessor',
  llava_next: 'LlavaNextImageProcessor',
  instructblip: 'BlipImageProcessor',
  idefics3: 'Idefics3ImageProcessor',
  smolvlm: 'SmolVLMImageProcessor',
  qwen2_vl: 'Qwen2VLImageProcessor',
  qwen2_5_vl: 'Qwen2VLImageProcessor',
};
/** Classes whose size, written as a number, is that of the shorter side. */
const shorterSide = /^(CLIP|Bit|Llava|LlavaNext)ImageProcessor$/;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The name of the processor's class without the ending of its faster form. */
export const processorClass = ({ image_processor_type, feature_extractor_type }: Json): string =>
  String(image_processor_type ?? feature_extractor_type ?? '')
    .replace(/Fast$|Pil$/, '')
    .replace(/FeatureExtractor$/, 'ImageProcessor')
    .replace(/^Qwen2_5_VL/, 'Qwen2VL');

/** Older files write sizes as numbers, newer ones what is left open as null. */
function complete(written: Json, modelType: unknown): Json {
  const json = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null));
  const name = processorClass(json) || (usual[String(modelType)] ?? '');
  const { crop_size, size } = json;
  return {
    ...(Object.hasOwn(defaults, name) ? defaults[name] : {}),
    ...json,
    image_processor_type: name,
    ...(typeof size === 'number'
      ? { size: shorterSide.test(name) ? { shortest_edge: size } : square(size) }
      : {}),
    ...(typeof crop_size === 'number' ? { crop_size: square(crop_size) } : {}),
  };
}

/**
 * How a folder's pictures are prepared: `image_processor` of processor_config.json, where transformers 5 writes it, else
 * preprocessor_config.json. Throws GuardError BAD_MODEL where there is neither, or a file cannot be read.
 */
export async function readImageConfig(folder: string, modelType: unknown): Promise<ImageConfig> {
  const outer = join(folder, 'processor_config.json');
  const nested = (await optionalJson(outer))?.image_processor;
  if (isObject(nested)) return { json: complete(nested, modelType), path: `${outer}: image_processor` };
  const path = join(folder, 'preprocessor_config.json');
  const own = await optionalJson(path);
  if (own) return { json: complete(own, modelType), path };
  const what = `${path}: this file of the model is missing, and processor_config.json holds no image_processor; one of them says how pictures are prepared`;
  throw new GuardError(ErrorCode.BadModel, what);
}
