import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadGraph, saveGraph } from '../../engine/index.ts';
import {
  deriveModelFolder,
  type Model,
  openModel,
  promptOf,
  questionText,
  specialTokens,
  writeModelFolder,
} from '../../models/index.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import { graphs, makeModel, makeSamples, noiseImage, sizes } from './mini-model.ts';

let made: Awaited<ReturnType<typeof makeModel>>;
let model: Model;
beforeAll(async () => {
  made = await makeModel();
  model = await openModel(made.folder, { threads: 1 });
});
afterAll(async () => {
  await model.close();
  await made.remove();
});

describe('predicting', () => {
  const samples = [...makeSamples(43), ...makeSamples(10, 'text_heavy')];

  it('answers every sample with the likeliest of its options', async () => {
    const predictions = await model.predict(samples);
    expect(predictions.map(({ id }) => id)).toEqual(samples.map(({ id }) => id));
    for (const { predicted, probabilities } of predictions) {
      expect(probabilities.length).toBe(4);
      expect(probabilities.reduce((sum, p) => sum + p)).toBeCloseTo(1, 10);
      expect(probabilities[predicted!]).toBe(Math.max(...probabilities));
    }
    expect(new Set(predictions.map(({ predicted }) => predicted)).size).toBeGreaterThan(1);
  });

  it('gives the same bytes again, and the same answers whatever else is in the batch', async () => {
    const first = await model.predict(samples);
    expect(await model.predict(samples)).toEqual(first);
    const single = await model.predict(samples.slice(7, 8), { batchSize: 1 });
    for (const [i, p] of single[0]!.probabilities.entries())
      expect(p).toBeCloseTo(first[7]!.probabilities[i]!, 5);
  });

  it('looks at the image and reads the text', async () => {
    const sample = samples[0]!;
    const [base, image, question] = await model.predict([
      sample,
      { ...sample, image: noiseImage(99) },
      { ...sample, context: 'dress dress dress' },
    ]);
    expect(image!.probabilities).not.toEqual(base!.probabilities);
    expect(question!.probabilities).not.toEqual(base!.probabilities);
  });

  it('keeps image features by contents', async () => {
    const image = noiseImage(3);
    const { dims, data } = await model.imageFeatures([image, noiseImage(4), { ...image, path: 'again.png' }]);
    expect(dims).toEqual([3, 16, 96]);
    const row = (i: number) => data.slice(i * 16 * 96, (i + 1) * 16 * 96);
    expect(row(2)).toEqual(row(0));
    expect(row(1)).not.toEqual(row(0));
  });

  it('gives out its token embeddings', () => {
    expect(model.embeddingTable).toEqual(
      graphs().embedTokens.initializers.get('model.embed_tokens.weight')!.data,
    );
  });

  it('reports progress and stops when asked to', async () => {
    const seen: number[] = [];
    await model.predict(samples, { batchSize: 4, onProgress: ({ done }) => seen.push(done) });
    expect(seen.at(-1)).toBe(samples.length);
    let asked = 0;
    const stopped = model.predict(samples, { batchSize: 4, aborted: () => asked++ > 1 });
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('names the sample or image that cannot be asked', async () => {
    const sample = { ...samples[0]!, id: 'row 7' };
    const ask = (changes: Partial<PerturbedSample>) => model.predict([{ ...sample, ...changes }]);
    await expect(ask({ options: ['bag'] })).rejects.toThrow(/'row 7' has 1 options/);
    await expect(ask({ options: ['bag', 'bag', 'bag', 'bag', 'bag'] })).rejects.toThrow(
      /no token for option E/,
    );
    const broken = { bytes: Buffer.from('no image'), path: 'photos/broken.png' };
    await expect(ask({ image: broken })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('photos/broken.png'),
    });
  });

  it('answers the others where it cannot take a sample, which attacks and training refuse by name', async () => {
    const [first, second, third] = samples as [PerturbedSample, PerturbedSample, PerturbedSample];
    const long = { ...second, context: 'bag '.repeat(1100) };
    const marked = { ...third, context: 'see <image> here' };
    const asked = [long, first, marked];
    const progress: number[] = [];
    const predictions = await model.predict(asked, { onProgress: ({ done }) => progress.push(done) });
    const [alone] = await model.predict([first]);
    const none = { predicted: null, probabilities: [], outcome: 'impossible' };
    expect(predictions).toEqual([
      expect.objectContaining({ id: long.id, ...none }),
      alone,
      expect.objectContaining({ id: marked.id, ...none }),
    ]);
    expect(progress).toEqual([3]);
    const attack = { attack: 'pgd', eps: 0.1, alpha: 0.1, steps: 1, seed: 1 } as const;
    await expect(model.attack([long], attack)).rejects.toThrow(/\d+ tokens are more than the model's/);
    await expect(model.attack([marked], attack)).rejects.toThrow(/stands for an image/);
  });
});

it('writes the prompt in one fixed form', () => {
  const sample = { id: 'x', question: 'which ?', options: ['bag', 'coat'], context: null };
  expect(promptOf(sample)).toBe('question: which ? option: A: bag B: coat answer:');
  expect(promptOf({ ...sample, context: 'a fact .' })).toBe(
    'a fact . question: which ? option: A: bag B: coat answer:',
  );
  expect(promptOf({ ...sample, inside: 'a fact .', after: 'more .' })).toBe(
    'question: which ? a fact . option: A: bag B: coat more . answer:',
  );
});

it('writes the prompt of the method in one fixed form', () => {
  const sample = { id: 'x', question: 'Which?', options: ['bag', 'coat'], context: null };
  expect(questionText(sample)).toBe('Question:\nWhich?\nOption:\nA: bag\nB: coat');
  expect(questionText({ ...sample, context: 'One.', inside: 'Two.', after: 'Three.' })).toBe(
    'One.\nQuestion:\nWhich?\nTwo.\nOption:\nA: bag\nB: coat\nThree.',
  );
});

describe('model folders', () => {
  const copy = async (name: string) => {
    const folder = join(made.folder, '..', name);
    await deriveModelFolder(made.folder, folder, {});
    return folder;
  };

  it('are written whole, and not over another', async () => {
    await expect(deriveModelFolder(made.folder, made.folder, {})).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    const folder = join(made.folder, '..', 'half');
    const words = [
      ...Object.values(specialTokens),
      ...Array.from({ length: sizes.vocabulary - 3 }, (_, i) => `w${i}`),
    ];
    const parts = { name: 'x', about: '', sizes, words };
    const decoder = graphs().decoder.clone();
    Object.defineProperty(decoder, 'nodes', {
      get: () => {
        throw new Error('disk full');
      },
    });
    await expect(writeModelFolder(folder, { ...parts, ...graphs(), decoder })).rejects.toThrow(/disk full/);
    await expect(readFile(join(folder, 'config.json'))).rejects.toThrow();
  });

  it('take over new weights and keep the rest', async () => {
    const folder = join(made.folder, '..', 'trained');
    await deriveModelFolder(made.folder, folder, { decoder: graphs(2).decoder });
    const trained = await openModel(folder, { threads: 1 });
    const samples = makeSamples(4);
    expect(await trained.predict(samples)).not.toEqual(await model.predict(samples));
    await trained.close();
    for (const file of ['README.md', 'tokenizer.json', 'onnx/vision_encoder.onnx']) {
      const kept = await readFile(join(made.folder, file));
      expect((await readFile(join(folder, file))).equals(kept), file).toBe(true);
    }
  });

  it('that lack a file are refused by its name', async () => {
    const folder = await copy('lacking');
    await rm(join(folder, 'onnx/embed_tokens.onnx'));
    await expect(openModel(folder)).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/embed_tokens\.onnx: this file of the model is missing/),
    });
    await expect(openModel(join(folder, 'nowhere'))).rejects.toThrow(
      /nowhere: there is no such model folder/,
    );
  });

  it('with a truncated or foreign .onnx file are refused by its name', async () => {
    const folder = await copy('truncated');
    const path = join(folder, 'onnx/decoder_model_merged.onnx');
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length / 2));
    await expect(openModel(folder)).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining('decoder_model_merged.onnx'),
    });
    await saveGraph(await loadGraph(join(folder, 'onnx/embed_tokens.onnx')), path);
    await expect(openModel(folder)).rejects.toThrow(
      /decoder_model_merged\.onnx: has no input named 'inputs_embeds/,
    );
  });

  it('with a wrong config.json are refused by file and key', async () => {
    const folder = await copy('configs');
    const path = join(folder, 'config.json');
    const config = JSON.parse(await readFile(path, 'utf8'));
    const refuse = async (changed: object, pattern: RegExp) => {
      await writeFile(path, JSON.stringify(changed));
      await expect(openModel(folder)).rejects.toThrow(pattern);
    };
    await refuse({ ...config, image_token_index: undefined }, /config\.json: [\s\S]*image_token_index/);
    await refuse(
      { ...config, text_config: { ...config.text_config, head_dim: 'x' } },
      /text_config\.head_dim/,
    );
    await refuse(
      { ...config, text_config: { ...config.text_config, vocab_size: 5 } },
      /tokenizer\.json: .*vocab_size/,
    );
    await writeFile(path, '{');
    await expect(openModel(folder)).rejects.toThrow(/config\.json: cannot be read as JSON/);
    await rm(path);
    await mkdir(path);
    await expect(openModel(folder)).rejects.toThrow(/config\.json: this file of the model is missing/);
  });

  it('whose weights are not finite are refused when they are asked', async () => {
    const folder = join(made.folder, '..', 'diverged');
    const decoder = graphs().decoder.clone();
    const norm = decoder.initializers.get('model.norm.bias')!;
    decoder.initializers.set('model.norm.bias', { ...norm, data: new Float32Array(96).fill(Number.NaN) });
    await deriveModelFolder(made.folder, folder, { decoder });
    const diverged = await openModel(folder, { threads: 1 });
    await expect(diverged.predict(makeSamples(1))).rejects.toThrow(
      /decoder_model_merged\.onnx: its logits are not finite/,
    );
    await diverged.close();
  });
});
