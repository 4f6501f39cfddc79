import { elementCount, type Tensor } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { imageTokens, type MiniSizes } from './sizes.ts';

/**
 * Weights by name, named as in Hugging Face checkpoints. A Linear's weight is [in, out], as ONNX MatMul takes it
 * (the transpose of PyTorch's); a Conv's is [out, in, height, width].
 */
export type MiniWeights = Map<string, Tensor>;

type Init =
  | { kind: 'uniform'; bound: number }
  | { kind: 'normal'; std: number }
  | { kind: 'constant'; value: number };

export interface WeightSpec {
  name: string;
  dims: number[];
  init: Init;
}

/** Names of a block's weights below its prefix, in both tower and decoder. */
export const blockParts = {
  norm1: 'input_layernorm',
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.o_proj',
  norm2: 'post_attention_layernorm',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
} as const;

const normal = { kind: 'normal', std: 0.02 } as const;
/** As large as the projected features: with smaller ones the corners of a grid are not told apart. */
const imagePosition = { kind: 'normal', std: 0.5 } as const;

function linear(name: string, input: number, output: number): WeightSpec[] {
  const init = { kind: 'uniform', bound: 1 / Math.sqrt(input) } as const;
  return [
    { name: `${name}.weight`, dims: [input, output], init },
    { name: `${name}.bias`, dims: [output], init },
  ];
}

function conv(name: string, input: number, output: number, kernel: number): WeightSpec[] {
  const init = { kind: 'uniform', bound: 1 / Math.sqrt(input * kernel * kernel) } as const;
  return [
    { name: `${name}.weight`, dims: [output, input, kernel, kernel], init },
    { name: `${name}.bias`, dims: [output], init },
  ];
}

function norm(name: string, width: number): WeightSpec[] {
  return [
    { name: `${name}.weight`, dims: [width], init: { kind: 'constant', value: 1 } },
    { name: `${name}.bias`, dims: [width], init: { kind: 'constant', value: 0 } },
  ];
}

function block(prefix: string, { width, mlp }: MiniSizes): WeightSpec[] {
  return [
    ...norm(`${prefix}.${blockParts.norm1}`, width),
    ...linear(`${prefix}.${blockParts.query}`, width, width),
    ...linear(`${prefix}.${blockParts.key}`, width, width),
    ...linear(`${prefix}.${blockParts.value}`, width, width),
    ...linear(`${prefix}.${blockParts.output}`, width, width),
    ...norm(`${prefix}.${blockParts.norm2}`, width),
    ...linear(`${prefix}.${blockParts.up}`, width, mlp),
    ...linear(`${prefix}.${blockParts.down}`, mlp, width),
  ];
}

/** Every weight of the model with its shape and initial distribution; the training heads come last. */
export function weightSpecs(sizes: MiniSizes): WeightSpec[] {
  const { width, vocabulary } = sizes;
  const blocks = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => block(`${prefix}.layers.${i}`, sizes)).flat();
  return [
    ...conv('vision_tower.conv1', 1, 16, 5),
    ...conv('vision_tower.conv2', 16, 32, 3),
    ...conv('vision_tower.patch_embedding', 32, width, 7),
    { name: 'vision_tower.position_embedding', dims: [imageTokens(sizes), width], init: normal },
    ...blocks('vision_tower.encoder', sizes.visionLayers),
    ...norm('vision_tower.post_layernorm', width),
    ...linear('multi_modal_projector.linear_1', width, width),
    ...linear('multi_modal_projector.linear_2', width, width),
    {
      name: 'multi_modal_projector.position_embedding',
      dims: [imageTokens(sizes), width],
      init: imagePosition,
    },
    { name: 'model.embed_tokens.weight', dims: [vocabulary, width], init: normal },
    ...blocks('model', sizes.layers),
    ...norm('model.norm', width),
    { name: 'lm_head.weight', dims: [width, vocabulary], init: normal },
    ...linear('photo_head', width, sizes.classes),
    ...linear('grid_head', width, sizes.classes),
  ];
}

/** Deterministic initial weights. Each tensor has its own random stream, so that sizes do not shift one another. */
export function initMini(seed: number, sizes: MiniSizes): MiniWeights {
  return new Map(weightSpecs(sizes).map((spec) => [spec.name, initial(spec, seed)]));
}

function initial({ name, dims, init }: WeightSpec, seed: number): Tensor {
  const data = new Float32Array(elementCount(dims));
  if (init.kind === 'constant') return { dtype: 'float32', dims, data: data.fill(init.value) };
  const random = new Random(seed, 'mini', name);
  for (let i = 0; i < data.length; i++) {
    data[i] = init.kind === 'normal' ? random.normal() * init.std : (2 * random.uniform() - 1) * init.bound;
  }
  return { dtype: 'float32', dims, data };
}

/** The weight of that name and shape. Throws GuardError BAD_MODEL where it is absent or shaped otherwise. */
export function weightOf(
  weights: ReadonlyMap<string, Tensor>,
  name: string,
  dims: readonly number[],
): Tensor {
  const tensor = weights.get(name);
  if (!tensor) throw new GuardError(ErrorCode.BadModel, `the mini model's weight '${name}' is missing`);
  if (tensor.dims.join() !== dims.join()) {
    throw new GuardError(
      ErrorCode.BadModel,
      `the mini model's weight '${name}' has shape [${tensor.dims}], expected [${dims}]`,
    );
  }
  return tensor;
}
