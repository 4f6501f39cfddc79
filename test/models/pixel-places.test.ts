import { afterAll, describe, expect, it } from 'vitest';
import { loadGraph } from '../../engine/index.ts';
import { GraphGradients } from '../../models/attacks/pixel-gradients.ts';
import { patchPlaces } from '../../models/attacks/pixel-places.ts';
import { type FolderParts, openParts } from '../../models/hf/folder.ts';
import { qFormerGradients } from '../../models/instructblip/vision.ts';
import { normalised } from '../../models/pillow.ts';
import { questionText } from '../../models/prompt.ts';
import { Random } from '../../random/index.ts';
import { colourImage, fixture, questions } from './hf-samples.ts';

const opened: { release?(): Promise<void>; close?(): Promise<void> }[] = [];
afterAll(() => Promise.all(opened.map((each) => each.release?.() ?? each.close?.())));

const [question] = questions(1);
const text = questionText(question!);

async function openPicture(name: string, width: number, height: number) {
  const parts: FolderParts = await openParts(fixture(name), { threads: 1 });
  const { qformer } = parts.vision;
  const own = async (path: string) => new GraphGradients(await loadGraph(path), 1);
  const tower = await own(parts.vision.path);
  const gradients = qformer ? qFormerGradients(qformer.tower, tower, await own(qformer.path)) : tower;
  opened.push(parts, gradients);
  const image = colourImage(5, width, height);
  return {
    picture: (await parts.images.openPicture(image, text, [], { gradients, range: parts.vision.range }))!,
    image,
    parts,
  };
}

describe('patches of a picture', () => {
  it('stand where its pixels do: put back in their places they are the picture', async () => {
    const { image, parts, picture } = await openPicture('qwen2_vl', 112, 56);
    const { count, own } = picture.places;
    const raw = await parts.images.decode(image);
    expect([raw.width, raw.height]).toEqual([112, 56]);
    const config = {
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
    };
    const wanted = normalised({ ...raw, width: 112, height: 56 }, { ...config, rescale_factor: 1 / 255 });
    expect(count).toBe(wanted.length);
    const seen = new Uint8Array(count);
    for (const [i, value] of picture.values.entries()) {
      seen[own[i]!]!++;
      expect(Math.abs(value - wanted[own[i]!]!)).toBeLessThan(1e-5);
    }
    // Each pixel is in both frames of its patch.
    expect(new Set(seen)).toEqual(new Set([2]));
  });

  it('take a pattern that is repeated over them', () => {
    const places = patchPlaces({ grid: [1, 4, 20], patch: 14, merge: 2, channels: 3, frames: 2 });
    const [height, width] = [4 * 14, 20 * 14];
    for (const [i, pixel] of places.own.entries()) {
      const [channel, y, x] = [
        Math.floor(pixel / (height * width)),
        Math.floor(pixel / width) % height,
        pixel % width,
      ];
      expect(places.shared[i]).toBe((channel * 224 + (y % 224)) * 224 + (x % 224));
    }
  });
});

describe('the gradient by the pixels agrees with differences', () => {
  it.each(['qwen2_vl', 'qwen2_5_vl', 'instructblip', 'smolvlm'])('%s', async (name) => {
    const { picture } = await openPicture(name, 60, 44);
    const { own } = picture.places;
    const features = await picture.features(picture.values);
    const random = new Random(1, 'cotangent');
    const cotangent = features.map(() => random.normal());
    const gradient = await picture.gradient(picture.values, cotangent);
    expect(gradient).toHaveLength(picture.values.length);
    // All numbers of a pixel move together.
    const rise = new Float64Array(picture.places.count);
    for (const [i, slope] of gradient.entries()) rise[own[i]!]! += slope;
    const loss = async (values: Float32Array) =>
      (await picture.features(values)).reduce((sum, value, i) => sum + value * cotangent[i]!, 0);
    const steepest = [...rise.keys()].sort((a, b) => Math.abs(rise[b]!) - Math.abs(rise[a]!)).slice(0, 4);
    for (const at of steepest) {
      const moved = (by: number) => picture.values.map((value, i) => (own[i] === at ? value + by : value));
      const slope = ((await loss(moved(0.02))) - (await loss(moved(-0.02)))) / 0.04;
      expect(Math.abs(slope / rise[at]! - 1)).toBeLessThan(0.05);
    }
  });
});
