import type { Graph, Value } from '../../engine/index.ts';
import { MiniBuilder } from './layers.ts';
import { imageTokens, type MiniSizes, patchSide } from './sizes.ts';
import type { MiniWeights } from './weights.ts';

/** Pixels [batch, 1, side, side] to image tokens [batch, tokens, width], row-major patches of 14x14 pixels. */
function tower(b: MiniBuilder, pixels: Value): Value {
  const { width } = b.sizes;
  const tokens = imageTokens(b.sizes);
  const edges = b.gelu(b.conv('vision_tower.conv1', pixels, 1, 16, 5, 2, 2));
  const parts = b.gelu(b.conv('vision_tower.conv2', edges, 16, 32, 3, 1, 1));
  const patches = b.conv('vision_tower.patch_embedding', parts, 32, width, 7, 7);
  const flat = b.op('Reshape', [patches, b.shape(0, width, tokens)]);
  const rows = b.op('Transpose', [flat], { perm: [0, 2, 1] });
  let x = b.op('Add', [rows, b.weight('vision_tower.position_embedding', [tokens, width])]);
  for (let i = 0; i < b.sizes.visionLayers; i++) x = b.block(`vision_tower.encoder.layers.${i}`, x).x;
  return b.norm('vision_tower.post_layernorm', x);
}

function projector(b: MiniBuilder, features: Value): Value {
  const { width } = b.sizes;
  const hidden = b.gelu(b.linear('multi_modal_projector.linear_1', features, width, width));
  const projected = b.linear('multi_modal_projector.linear_2', hidden, width, width);
  const position = b.weight('multi_modal_projector.position_embedding', [imageTokens(b.sizes), width]);
  return b.op('Add', [projected, position]);
}

function pixelInput(b: MiniBuilder): Value {
  const { imageSize } = b.sizes;
  return b.input('pixel_values', 'float32', ['batch_size', 1, imageSize, imageSize]);
}

function tokenDims(sizes: MiniSizes): (number | string)[] {
  return ['batch_size', imageTokens(sizes), sizes.width];
}

/** The tower alone: `pixel_values` -> `features` [batch, tokens, width], before the projector. */
export function buildTower(weights: MiniWeights, sizes: MiniSizes): Graph {
  const b = new MiniBuilder('vision tower', weights, sizes);
  b.output('features', tower(b, pixelInput(b)), 'float32', tokenDims(sizes));
  return b.build();
}

/**
 * The tower under its training heads: `pixel_values` -> `photo_logits` [batch, classes], from the mean token, and
 * `grid_logits` [batch, 4, classes], from the mean token of each quadrant (top left, top right, bottom left, bottom right).
 */
export function buildTowerWithHeads(weights: MiniWeights, sizes: MiniSizes): Graph {
  const b = new MiniBuilder('vision tower with training heads', weights, sizes);
  const { width, classes } = sizes;
  const half = patchSide(sizes) / 2;
  const features = tower(b, pixelInput(b));
  const photo = b.op('ReduceMean', [features], { axes: [1], keepdims: 0 });
  const square = b.op('Reshape', [features, b.shape(-1, 2, half, 2, half, width)]);
  const quadrants = b.op('ReduceMean', [square], { axes: [2, 4], keepdims: 0 });
  const grid = b.op('Reshape', [quadrants, b.shape(-1, 4, width)]);
  const photoLogits = b.linear('photo_head', photo, width, classes);
  const gridLogits = b.linear('grid_head', grid, width, classes);
  b.output('photo_logits', photoLogits, 'float32', ['batch_size', classes]);
  b.output('grid_logits', gridLogits, 'float32', ['batch_size', 4, classes]);
  return b.build();
}

/** The projector alone: `features` [batch, tokens, width] -> `image_features` of the same shape. */
export function buildProjector(weights: MiniWeights, sizes: MiniSizes): Graph {
  const b = new MiniBuilder('projector', weights, sizes);
  const features = b.input('features', 'float32', tokenDims(sizes));
  b.output('image_features', projector(b, features), 'float32', tokenDims(sizes));
  return b.build();
}

/** The file vision_encoder.onnx: `pixel_values` -> `image_features` [batch, tokens, width], projector included. */
export function buildVisionEncoder(weights: MiniWeights, sizes: MiniSizes): Graph {
  const b = new MiniBuilder('vision encoder', weights, sizes);
  b.output('image_features', projector(b, tower(b, pixelInput(b))), 'float32', tokenDims(sizes));
  return b.build();
}

/** vision_encoder.onnx from a trained tower (with or without its heads) and a trained projector. */
export function stitchVisionEncoder(towerGraph: Graph, projectorGraph: Graph, sizes: MiniSizes): Graph {
  return buildVisionEncoder(new Map([...towerGraph.initializers, ...projectorGraph.initializers]), sizes);
}
