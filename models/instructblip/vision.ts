import { createHash } from 'node:crypto';
import { float32Of, inFloatType, type Tensor } from '../../engine/index.ts';
import type { EncoderGradients } from '../attacks/pixel-gradients.ts';
import type { Runner } from '../session.ts';

/** Pictures whose patch embeddings are kept: at 257 patches 1,408 wide they are 1.4 MB each. */
const KEPT = 64;
const PATCHES = 'image_embeds';

/**
 * Vision tower and Q-Former as one graph from pixel values and instruction to features. What the tower makes of a picture is
 * kept, since the same picture comes with many instructions. It closes neither.
 */
export function withQFormer(tower: Runner, qformer: Runner): Runner {
  const kept = new Map<string, Tensor>();
  const patches = async (pixels: Tensor): Promise<Tensor> => {
    const key = createHash('sha256')
      .update(new Uint8Array(pixels.data.buffer, pixels.data.byteOffset, pixels.data.byteLength))
      .digest('base64');
    const known = kept.get(key);
    if (known) return known;
    const results = await tower.run({ pixel_values: pixels });
    const found = floats(patchesIn(results));
    kept.set(key, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
    return found;
  };
  const own = [...qformer.declared.inputs].filter(([name]) => name !== PATCHES);
  const inputs = new Map([...tower.declared.inputs, ...own]);
  return {
    inputs: [...inputs.keys()],
    declared: { inputs, outputs: qformer.declared.outputs },
    async run(feeds, outputs) {
      const { pixel_values, ...rest } = feeds;
      const found = await patches(pixel_values as Tensor);
      const dtype = qformer.declared.inputs.get(PATCHES)?.dtype ?? 'float32';
      return qformer.run({ ...rest, [PATCHES]: inFloatType(found, dtype) }, outputs);
    },
    close: () => Promise.resolve(),
  };
}

/** The way back through Q-Former and tower, to the pixels. It closes the tower's and the Q-Former's, not the runner. */
export function qFormerGradients(
  runner: Runner,
  tower: EncoderGradients,
  qformer: EncoderGradients,
): EncoderGradients {
  return {
    async at({ pixel_values, ...rest }, input, features) {
      const pixels = { pixel_values: pixel_values as Tensor };
      const results = await runner.run(pixels);
      const patches = floats(patchesIn(results));
      const data = await qformer.at({ ...rest, [PATCHES]: patches }, PATCHES, features);
      return tower.at(pixels, input, { ...patches, data });
    },
    async close() {
      await Promise.all([tower.close(), qformer.close()]);
    },
  };
}

function patchesIn(results: Record<string, Tensor>): Tensor {
  return (results[PATCHES] ?? Object.values(results)[0]) as Tensor;
}

/** As float32: tower and Q-Former may be of unlike precision. */
function floats(tensor: Tensor): Tensor {
  return { dtype: 'float32', dims: tensor.dims, data: float32Of(tensor) };
}
