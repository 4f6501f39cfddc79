import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DType, type Tensor, toNumbers } from '../../engine/index.ts';
import { fromBytes } from '../../engine/onnx/tensor.ts';
import { pack } from '../../models/hf/families/packing.ts';
import { type FolderParts, openParts } from '../../models/hf/folder.ts';
import { wholeOf } from '../../models/hf/rows.ts';
import { fixture, referenceImage } from './hf-samples.ts';

type Index = Record<string, { dtype: DType; shape: number[]; offset: number; nbytes: number }>;

/** Array of a fixture's reference by name. */
function referenceOf(name: string): (array: string) => Tensor {
  const bytes = readFileSync(`${fixture(name)}/reference.bin`);
  const index = JSON.parse(readFileSync(`${fixture(name)}/reference.index.json`, 'utf8')) as Index;
  return (array) => {
    const { dtype, nbytes, offset, shape } = index[array]!;
    return fromBytes(dtype, shape, bytes.subarray(offset, offset + nbytes));
  };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** `pixels`: how far pixel values may be from PyTorch's; `text`: what the features depend on beside the picture. */
const cases = [
  { name: 'llava' },
  // Its whole picture was scaled bilinearly, where its preprocessor_config.json says Lanczos; the tiles are equal.
  { name: 'smolvlm', pixels: 0.05 },
  { name: 'idefics3' },
  { name: 'qwen2_vl' },
  { name: 'qwen2_5_vl' },
  { name: 'llava_qwen3' },
  { name: 'llava_next' },
  // Its Q-Former reads the instruction too.
  { name: 'instructblip', text: 'What color is the square?' },
];

describe.each(cases)('$name, against PyTorch', ({ name, pixels = 1e-6, text = '' }) => {
  const reference = referenceOf(name);
  let parts: FolderParts;
  beforeAll(async () => {
    parts = await openParts(fixture(name), { threads: 1 });
  });
  afterAll(() => parts?.release());

  /** The prompt as a person would write it: what stands for the picture is there once. */
  const collapsed = (slots: number, layout: readonly number[]) => {
    const { prompt } = JSON.parse(readFileSync(`${fixture(name)}/reference.json`, 'utf8')) as {
      prompt: string;
    };
    const expansion = parts.family.expand(slots, layout);
    expect(prompt).toContain(expansion);
    return prompt.replace(expansion, parts.family.marker);
  };

  it('makes the same pixels', async () => {
    const image = await parts.images.decode(referenceImage(name));
    const { feeds } = await parts.family.prepare(image, text);
    const wanted = reference('pixel_values');
    expect(feeds.pixel_values!.dims).toEqual(wanted.dims);
    expect(largestDifference(toNumbers(feeds.pixel_values!), toNumbers(wanted))).toBeLessThan(pixels);
  });

  it('makes the same tokens, positions and logits', async () => {
    const image = referenceImage(name);
    const found = await parts.images.features([{ key: 'x', image, text }]);
    const own = found.get('x')!;
    const stored = reference('image_features').data as Float32Array;
    const packing = parts.family.packing?.(
      stored.length,
      { image_newline: reference('image_newline') },
      own.layout,
    );
    const features = { ...own, data: packing ? pack(stored, packing) : stored };
    if (pixels < 1e-3) expect(largestDifference(own.data, features.data)).toBeLessThan(2e-5);
    const tokens = parts.prompter.encodePrompt(collapsed(own.slots, own.layout), own);
    expect([...tokens.ids]).toEqual(toNumbers(reference('input_ids')));
    const counted = [Int32Array.from(tokens.ids, (_, i) => i)];
    const positions = parts.family.positions?.(tokens.ids, own.layout) ?? counted;
    expect(positions.flatMap((axis) => [...axis])).toEqual(toNumbers(reference('position_ids')));
    const row = { ...tokens, index: 0, features, positions, letters: [] };
    const batch = await parts.embedder.batch([wholeOf(row)], parts.decoder.axes);
    expect(largestDifference(batch.embeds, toNumbers(reference('inputs_embeds')))).toBe(0);
    const logits = await parts.decoder.lastLogits(batch);
    const wanted = toNumbers(reference('logits')).slice(-logits.length);
    expect(largestDifference(logits, wanted)).toBeLessThan(2e-5);
  });
});
