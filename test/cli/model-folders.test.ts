import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peftFiles } from '../../engine/index.ts';
import { taskKinds } from '../../schemas/benchmark.ts';
import type { GuardConfig } from '../../schemas/config.ts';
import { ArtifactStore, writeSamplesFile } from '../../store/index.ts';
import { connectServer, type ServerConnection } from '../../worker/server/index.ts';
import { colourImage, fixture, questions } from '../models/hf-samples.ts';
import { type Project, smallProject } from '../support/project.ts';
import { modalityGuard } from './command.ts';

let project: Project;
let server: ServerConnection;
let benchmark: string;
beforeAll(async () => {
  project = await smallProject(({ diagnosis }) => {
    diagnosis.samples = 3;
    // Their tokenizers cut words into letters: 25 sentences are longer than the 512 tokens that they take.
    diagnosis.skip = ['long_text'];
    diagnosis.attack.samples = 2;
  });
  benchmark = join(project.folder, 'our-tests');
  const items = questions(3).map(({ perturbation: _, variant: __, hinted: ___, ...sample }) => sample);
  const samples = taskKinds.flatMap((taskKind, kind) =>
    items.map((sample, i) => ({
      ...sample,
      id: `${taskKind} ${i}`,
      taskKind,
      source: `photo:${taskKind} ${i}`,
      image: taskKind === 'text_heavy' ? null : colourImage(10 * kind + i, 60, 44),
    })),
  );
  await writeSamplesFile(join(benchmark, 'samples.parquet'), samples);
  server = await connectServer({ stateDir: join(project.folder, 'server'), log: () => {} });
});
afterAll(async () => {
  await server?.close();
  await project?.remove();
});

function diagnose(model: string, ...more: string[]) {
  const args = ['diagnose', '--model', model, '--benchmark', benchmark, '--json', '--no-input', ...more];
  return modalityGuard(args, { folder: project.folder, env: { TEMPORAL_ADDRESS: server.address } });
}

describe('diagnose --model <folder>', { timeout: 120_000 }, () => {
  it.each(['llava', 'llava_next', 'smolvlm', 'qwen2_vl', 'instructblip'])(
    'takes a folder of %s',
    async (name) => {
      const { code, stderr, stdout } = await diagnose(fixture(name), '--state-dir', name);
      expect(code, stderr).toBe(0);
      const { base, pgd } = JSON.parse(stdout);
      for (const condition of [
        'image_heavy/misleading_text',
        'text_heavy/full_black',
        'text_heavy/switch',
        'vqa/origin',
      ]) {
        expect(base[condition]).toMatchObject({ n: 3 });
      }
      expect(pgd).toContainEqual(expect.objectContaining({ taskKind: 'image_heavy', eps: 0.01, n: 2 }));
    },
  );

  it.each(['q4', 'quantized'])('attacks a decoder in %s', async (name) => {
    const folder = join(project.folder, name);
    const filter = (path: string) => !/variants|reference|decoder_model/.test(path);
    await cp(fixture('llava'), folder, { recursive: true, filter });
    const decoder = join(folder, `onnx/decoder_model_merged_${name}.onnx`);
    await copyFile(join(fixture('llava'), `variants/${name}.onnx`), decoder);
    const { code, stderr, stdout } = await diagnose(folder, '--state-dir', `attacked ${name}`);
    expect(code, stderr).toBe(0);
    const { pgd } = JSON.parse(stdout);
    expect(pgd).toContainEqual(expect.objectContaining({ taskKind: 'text_heavy', eps: 0.01, n: 2 }));
  });

  it('keeps one precision of several, and says what it takes in place of another', async () => {
    const folder = join(project.folder, 'several');
    await cp(fixture('llava'), folder, { recursive: true, filter: (path) => !path.includes('variants') });
    await copyFile(
      join(fixture('llava'), 'variants/q4.onnx'),
      join(folder, 'onnx/decoder_model_merged_q4.onnx'),
    );
    await mkdir(join(folder, 'adapter'));
    for (const file of Object.values(peftFiles)) await writeFile(join(folder, 'adapter', file), file);
    const kept = async (state: string, part: string) => {
      const store = await ArtifactStore.open(join(project.folder, state, 'store'));
      const [checkout] = (await readdir(store.checkouts)).filter((entry) => !entry.startsWith('.'));
      return readdir(join(store.checkouts, checkout!, part));
    };
    const config = JSON.parse(
      await readFile(join(project.folder, 'temporal.config.json'), 'utf8'),
    ) as GuardConfig;
    config.diagnosis.attack.kinds = [];
    const file = join(project.folder, 'unattacked.json');
    await writeFile(file, JSON.stringify(config));
    const { code, stderr } = await diagnose(folder, '--state-dir', 'q4', '--dtype', 'q4', '--config', file);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/no vision_encoder in q4 \(there is fp32\); fp32 is taken for it/);
    expect((await kept('q4', 'adapter')).sort()).toEqual(Object.values(peftFiles).sort());
    expect(await kept('q4', 'onnx')).toEqual([
      'decoder_model_merged_q4.onnx',
      'embed_tokens.onnx',
      'vision_encoder.onnx',
    ]);
    const refused = await diagnose(folder, '--state-dir', 'fp16', '--dtype', 'fp16');
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/there is no decoder_model_merged in fp16 \(there is fp32, q4\)/),
    });
    await rm(join(folder, 'preprocessor_config.json'));
    const broken = await diagnose(folder, '--state-dir', 'broken');
    expect(broken.code).toBe(1);
    expect(JSON.parse(broken.stdout).error.message).toMatch(
      /preprocessor_config\.json: this file of the model is missing, and processor_config\.json holds no image_processor/,
    );
  });
});
