import { copyFile, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseGraphs } from '../../models/hf/files.ts';
import { type AnswerModel, openAnswerModel } from '../../models/index.ts';
import type { EncodedImage, Prediction } from '../../schemas/benchmark.ts';
import type { Dtype } from '../../schemas/model.ts';
import { colourImage, fixture, questions } from './hf-samples.ts';

const llava = fixture('llava');
let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'hf-folders-'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

/** A copy of the tiny LLaVA without its decoder. */
async function folderOf(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(parent, name);
  await cp(llava, folder, {
    recursive: true,
    filter: (path) => !/variants|decoder_model|reference/.test(path),
  });
  for (const [file, source] of Object.entries(files))
    await copyFile(join(llava, source), join(folder, 'onnx', file));
  return folder;
}

async function withModel<T>(folder: string, use: (model: AnswerModel) => Promise<T>): Promise<T> {
  const model = await openAnswerModel(folder, { threads: 1 });
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

const flat = (predictions: readonly Prediction[]) =>
  predictions.flatMap(({ probabilities }) => probabilities);
const difference = (a: readonly Prediction[], b: readonly Prediction[]) =>
  Math.max(...flat(a).map((p, i) => Math.abs(p - flat(b)[i]!)));

/** `near`: how far probabilities may be from those of the float32 decoder; random weights make all of them sensitive. */
const encodings = [
  { name: 'dynamo_opset23', file: 'decoder_model_merged.onnx', near: 1e-5 },
  { name: 'genai_fp32', file: 'decoder_model_merged.onnx', near: 1e-5 },
  { name: 'fp16', file: 'decoder_model_merged_fp16.onnx', near: 1e-2 },
  { name: 'genai_fp16_webgpu', file: 'decoder_model_merged_fp16.onnx', near: 1e-2 },
  { name: 'q4', file: 'decoder_model_merged_q4.onnx', near: 0.3 },
  { name: 'genai_int4', file: 'decoder_model_merged_q4f16.onnx', near: 0.3 },
  { name: 'quantized', file: 'decoder_model_merged_quantized.onnx', near: 0.2 },
];

describe('a decoder', () => {
  const samples = questions(10, 2);
  let exact: Prediction[];
  beforeAll(async () => {
    exact = await withModel(llava, (model) => model.predict(samples));
  });

  it.each(encodings)(
    'encoded as $name answers alike, in batches as one by one',
    async ({ file, name, near }) => {
      const folder = await folderOf(name, { [file]: `variants/${name}.onnx` });
      await withModel(folder, async (model) => {
        const together = await model.predict(samples);
        expect(difference(together, exact)).toBeLessThan(near);
        const single: Prediction[] = [];
        for (const sample of samples) single.push(...(await model.predict([sample])));
        expect(difference(together, single)).toBeLessThan(name.includes('fp16') ? 2e-3 : 1e-5);
      });
    },
  );

  it('is read with its weights in a file beside it', async () => {
    const folder = await folderOf('external', {
      'decoder_model_merged.onnx': 'variants/external/decoder_model_merged.onnx',
      'decoder_model_merged.onnx_data': 'variants/external/decoder_model_merged.onnx_data',
    });
    await withModel(folder, async (model) => {
      expect(difference(await model.predict(samples), exact)).toBeLessThan(1e-6);
      const options = { attack: 'pgd', eps: 0.05, alpha: 1, steps: 1, seed: 1 } as const;
      const { predictions } = await model.attack(samples.slice(0, 3), options);
      expect(predictions).toHaveLength(3);
    });
    await rm(join(folder, 'onnx/decoder_model_merged.onnx_data'));
    await expect(openAnswerModel(folder)).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/decoder_model_merged\.onnx: ONNX Runtime cannot load it/),
    });
  });
});

describe('precisions', () => {
  const graphs = ['vision_encoder', 'embed_tokens', 'decoder_model_merged'] as const;
  it('are chosen file by file, the most exact first, and what is taken instead is said', async () => {
    const folder = await folderOf('precisions', {
      'decoder_model_merged_q4.onnx': 'variants/q4.onnx',
      'decoder_model_merged_fp16.onnx': 'variants/fp16.onnx',
    });
    const precisions = async (dtype: Dtype = 'auto') => {
      const { graphs: chosen, notes } = await chooseGraphs(folder, dtype, graphs);
      return { chosen: Object.values(chosen).map(({ precision }) => precision), notes };
    };
    expect(await precisions()).toEqual({ chosen: ['fp32', 'fp32', 'fp16'], notes: [] });
    const q4 = await precisions('q4');
    expect(q4.chosen).toEqual(['fp32', 'fp32', 'q4']);
    expect(q4.notes).toEqual([
      expect.stringMatching(/no vision_encoder in q4 \(there is fp32\); fp32 is taken/),
      expect.stringMatching(/no embed_tokens in q4/),
    ]);
    await expect(chooseGraphs(folder, 'q8', graphs)).rejects.toThrow(
      /no decoder_model_merged in q8 \(there is fp16, q4\)/,
    );
  });
});

describe('pictures', () => {
  it('of every format are read, grey, palette and transparent ones too', async () => {
    const colour = colourImage(1);
    const [width, height] = [16, 16];
    const values = (channels: number) =>
      Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7) % 256);
    const png = (channels: 1 | 2 | 3 | 4): Uint8Array =>
      encode({ width, height, channels, depth: 8, data: values(channels) });
    const images: Record<string, Uint8Array> = {
      jpeg: await sharp(colour.bytes).jpeg().toBuffer(),
      webp: await sharp(colour.bytes).webp().toBuffer(),
      palette: await sharp(colour.bytes).png({ palette: true }).toBuffer(),
      grey: png(1),
      'grey with alpha': png(2),
      rgba: png(4),
    };
    const [sample] = questions(1);
    const samples = Object.entries(images).map(([name, bytes]) => ({
      ...sample!,
      id: name,
      image: { bytes, path: name },
    }));
    await withModel(llava, async (model) => {
      const predictions = await model.predict([{ ...sample!, image: colour }, ...samples]);
      const [png, jpeg, webp, palette] = predictions;
      for (const same of [jpeg, webp, palette]) expect(difference([same!], [png!])).toBeLessThan(0.05);
      expect(predictions).toHaveLength(7);
    });
  });

  it('that cannot be read are named', async () => {
    const [sample] = questions(1);
    const ask = (image: EncodedImage) => withModel(llava, (model) => model.predict([{ ...sample!, image }]));
    await expect(ask({ bytes: Buffer.from('no image'), path: 'photos/broken.png' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/^photos\/broken\.png: cannot be decoded as an image/),
    });
    const cut = colourImage(1).bytes.subarray(0, 200);
    await expect(ask({ bytes: cut, path: 'photos/cut.png' })).rejects.toThrow(/photos\/cut\.png/);
  });
});

describe('what is refused', () => {
  const changed = async (name: string, file: string, change: (json: Record<string, unknown>) => unknown) => {
    const folder = await folderOf(name, { 'decoder_model_merged.onnx': 'onnx/decoder_model_merged.onnx' });
    const path = join(folder, file);
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
    return folder;
  };

  it('is named by folder, file and key', async () => {
    const refuse = async (folder: string, message: RegExp) => {
      await expect(openAnswerModel(folder)).rejects.toMatchObject({
        code: 'BAD_MODEL',
        message: expect.stringMatching(message),
      });
    };
    await refuse(join(parent, 'nowhere'), /nowhere: there is no such model folder/);
    await refuse(
      await folderOf('headless', {}),
      /onnx\/decoder_model_merged\.onnx is missing, in every precision/,
    );
    const unknown = await changed('unknown', 'config.json', (json) => ({ ...json, model_type: 'florence2' }));
    await refuse(unknown, /config\.json: model_type is florence2; known are llava, /);
    const narrow = await changed('narrow', 'config.json', (json) => ({
      ...json,
      text_config: { hidden_size: 'wide' },
    }));
    await refuse(narrow, /config\.json: [\s\S]*hidden_size/);
    const lettered = await folderOf('swapped', { 'decoder_model_merged.onnx': 'onnx/embed_tokens.onnx' });
    await refuse(lettered, /decoder_model_merged\.onnx: takes an input 'input_ids' that is not known here/);
    await rename(join(unknown, 'tokenizer.json'), join(unknown, 'gone.json'));
    const tokenless = await changed('tokenless', 'config.json', (json) => json);
    await rm(join(tokenless, 'tokenizer.json'));
    await refuse(
      tokenless,
      /tokenizer\.json: this file of the model cannot be read: there is no such file \(ENOENT\); check the path/,
    );
  });

  it('of samples, too', async () => {
    const [sample] = questions(1);
    await withModel(llava, async (model) => {
      const ask = (changes: object) => model.predict([{ ...sample!, id: 'row 7', ...changes }]);
      await expect(ask({ options: ['bag'] })).rejects.toThrow(/'row 7' has 1 options/);
      const none = { predicted: null, probabilities: [], outcome: 'impossible' };
      const contexts = ['see <image> here', 'bag '.repeat(600), null];
      const some = await model.predict(contexts.map((context) => ({ ...sample!, context })));
      expect(some).toEqual([
        expect.objectContaining(none),
        expect.objectContaining(none),
        ...(await model.predict([{ ...sample!, context: null }])),
      ]);
      await expect(
        model.attack([{ ...sample!, taskKind: 'vqa' }], {
          attack: 'pgd',
          eps: 1,
          alpha: 1,
          steps: 1,
          seed: 1,
        }),
      ).rejects.toThrow(/needs both modalities/);
      let asked = 0;
      const stopped = model.predict(questions(20), { batchSize: 2, aborted: () => asked++ > 1 });
      await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });
});

describe('a folder that loses a file while it is in use', () => {
  it('is refused where the file is needed, and closes all the same', async () => {
    const decoder = 'decoder_model_merged.onnx';
    const folder = await folderOf('losing', { [decoder]: `onnx/${decoder}` });
    const model = await openAnswerModel(folder, { threads: 1 });
    const asked = questions(10, 2).filter(({ image, taskKind }) => taskKind === 'text_heavy' && image);
    // An answer that is wrong already is not attacked.
    const answers = await model.predict(asked);
    const samples = asked.map((sample, i) => ({ ...sample, answer: answers[i]!.predicted }));
    await rm(join(folder, 'onnx/vision_encoder.onnx'));
    const options = { attack: 'pixels', eps: 0.05, alpha: 1, steps: 1, seed: 1 } as const;
    await expect(model.attack(samples, options)).rejects.toThrow(/vision_encoder/);
    await model.close();
    await expect(model.predict(samples)).rejects.toThrow();
  });
});
