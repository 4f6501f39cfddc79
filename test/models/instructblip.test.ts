import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, describe, expect, it } from 'vitest';
import { toNumbers } from '../../engine/index.ts';
import { openParts } from '../../models/hf/folder.ts';
import { openAnswerModel } from '../../models/index.ts';
import { blipProcessor } from '../../models/instructblip/processor.ts';
import { familyFile, familyReference, largestDifference } from '../engine/reference.ts';
import { fixture, questions, referenceImage } from './hf-samples.ts';

const arrays = familyReference('instructblip');
const preprocessor = familyFile('instructblip', 'preprocessor_config.json');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

describe('the processor', () => {
  it('makes the pixel values of the reference implementation', () => {
    const { width, height, channels, data } = decode(readFileSync(familyFile('instructblip', 'image.png')));
    const pixels = blipProcessor(json(preprocessor), preprocessor)({ width, height, channels, data });
    expect(pixels.dims).toEqual([1, 3, 32, 32]);
    expect(largestDifference(pixels, arrays.pixel_values!)).toBeLessThan(1e-6);
  });

  it('refuses another way of resizing, naming file and key', () => {
    const other = { ...json(preprocessor), resample: 2 };
    expect(() => blipProcessor(other, 'a/preprocessor_config.json')).toThrow(
      /a\/preprocessor_config\.json.*resample/s,
    );
  });
});

const scratch = mkdtempSync(join(tmpdir(), 'guard-instructblip-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let copies = 0;
function copyOf(): string {
  const folder = join(scratch, String(copies++));
  cpSync(fixture('instructblip'), folder, { recursive: true });
  return folder;
}

describe('the Q-Former', () => {
  it('gives other features of the same picture under another question, and the same ones again', async () => {
    const parts = await openParts(fixture('instructblip'), { threads: 1 });
    const image = referenceImage('instructblip');
    const asked = ['What color is it?', 'Which shape?'].map((text) => ({ key: text, image, text }));
    const [first, second] = [...(await parts.images.features(asked)).values()].map(({ data }) => data);
    expect(second).not.toEqual(first);
    const again = await parts.images.features([{ ...asked[0]!, key: 'asked anew' }]);
    expect(again.get('asked anew')?.data).toEqual(first);
    await parts.release();
  });

  it('reads the instruction as far as it has positions, and its closing token', async () => {
    const { family, images, release } = await openParts(fixture('instructblip'), { threads: 1 });
    const picture = await images.decode(referenceImage('instructblip'));
    const { feeds } = await family.prepare(picture, 'a b c d '.repeat(50));
    const ids = toNumbers(feeds.qformer_input_ids!);
    expect(ids).toHaveLength(64);
    expect([ids[0], ids.at(-1)]).toEqual([2, 3]);
    expect(toNumbers(feeds.qformer_attention_mask!)).toEqual(new Array(64).fill(1));
    await release();
  });

  it('answers a question that is longer than its positions', async () => {
    const model = await openAnswerModel(fixture('instructblip'), { threads: 1 });
    const [sample] = questions(1);
    const [prediction] = await model.predict([{ ...sample!, context: 'Rivers flow downhill. '.repeat(8) }]);
    expect(prediction?.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1);
    await model.close();
  });
});

describe('a folder that is no InstructBLIP of this layout', () => {
  it('lacks the Q-Former', async () => {
    const folder = copyOf();
    rmSync(join(folder, 'onnx/qformer.onnx'));
    await expect(openAnswerModel(folder)).rejects.toThrow(/onnx\/qformer\.onnx is missing/);
  });

  it("lacks the Q-Former's tokenizer", async () => {
    const folder = copyOf();
    rmSync(join(folder, 'qformer_tokenizer'), { recursive: true });
    await expect(openAnswerModel(folder)).rejects.toThrow(/qformer_tokenizer\/tokenizer\.json/);
  });

  it('has an encoder and a decoder for the text', async () => {
    const folder = copyOf();
    const path = join(folder, 'config.json');
    writeFileSync(path, JSON.stringify({ ...json(path), use_decoder_only_language_model: false }));
    await expect(openAnswerModel(folder)).rejects.toThrow(/config\.json.*not with Flan-T5/s);
  });
});
