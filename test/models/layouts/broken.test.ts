import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesToKeep, inspectFolder } from '../../../models/index.ts';
import { GuardError } from '../../../schemas/errors.ts';
import { answersOf, remove, scratch } from '../published.ts';
import { brokenFolders, half, raw } from './broken-folders.ts';
import { built, type Step, set, without, write } from './build.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** What came of an input, for the table of scripts/inputs.mjs. */
    came?: string;
  }
}

/** A name with what shells and parsers stumble over. */
const awkward = `a "b" 'c' ü 画 $(d)`;
let parent: string;
beforeAll(async () => {
  parent = join(await scratch(), awkward);
  await mkdir(parent);
});
afterAll(() => remove(join(parent, '..')));

const plain = new Map<string, Promise<number[]>>();
function asIs(base: string): Promise<number[]> {
  if (!plain.has(base)) plain.set(base, built(base, join(parent, `plain ${base}`), []).then(answersOf));
  return plain.get(base)!;
}

/** What is said, by errors that are for people; anything else is a defect. */
async function said(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(GuardError);
    return (error as Error).message;
  }
}

describe('a broken folder', () => {
  it.for(
    brokenFolders.map(([name, steps, expected, base = 'llava'], i) => ({ name, steps, expected, base, i })),
  )('$name', async ({ base, expected, i, steps }, { task }) => {
    const folder = await built(base, join(parent, `folder ${i}`), [steps].flat());
    // Headers alone are looked at: what they do not tell may be wrong.
    await said(inspectFolder(folder));
    const early = await said(filesToKeep(folder));
    if (expected === 'same') {
      expect(early).toBeUndefined();
      expect(await answersOf(folder)).toEqual(await asIs(base));
      task.meta.came = 'read';
      return;
    }
    const message = early ?? (await said(answersOf(folder)));
    task.meta.came = message === undefined ? 'read' : `refused: ${message.replaceAll(folder, '<folder>')}`;
    if (expected === 'any') return;
    expect(message).toMatch(expected);
    expect(message).toContain(folder);
    // ONNX Runtime itself must refuse them as clearly where nobody has looked before.
    if (early !== undefined) expect(await said(answersOf(folder))).toContain(folder);
  });
});

describe('a broken folder of the embedded model', () => {
  const shipped = fileURLToPath(new URL('../../../data/model', import.meta.url));
  it.each<[string, Step, RegExp]>([
    [
      'a decoder cut off',
      raw('onnx/decoder_model_merged.onnx', half),
      /decoder_model_merged\.onnx: this is not a readable/,
    ],
    [
      'no embedder',
      without('onnx/embed_tokens.onnx'),
      /embed_tokens\.onnx: this file of the model is missing/,
    ],
    ['a config.json that is a list', write('config.json', '[]'), /config\.json: .*expected object/],
    [
      'a vocabulary of three',
      set('config.json', (json) => ({ ...json, text_config: { ...json.text_config, vocab_size: 3 } })),
      /tokenizer\.json: has ids up to \d+, but text_config\.vocab_size .* is 3/,
    ],
    [
      'pictures of 560,000 pixels across',
      set('preprocessor_config.json', { size: { height: 560_000, width: 560_000 } }),
      /preprocessor_config\.json: .*at size\.height/s,
    ],
    [
      'a tokenizer without words',
      set('tokenizer.json', { model: { type: 'WordLevel', vocab: null } }),
      /tokenizer\.json: model: .*at vocab/s,
    ],
  ])('%s', async (name, step, expected) => {
    const folder = join(parent, `embedded ${name}`);
    await cp(shipped, folder, { recursive: true });
    await step(folder);
    expect(await said(filesToKeep(folder))).toMatch(expected);
  });
});
