import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeSafeTensors } from '../../engine/index.ts';
import { openAnswerModel } from '../../models/index.ts';
import { taskKinds } from '../../schemas/benchmark.ts';
import { writeSamplesFile } from '../../store/index.ts';
import { connectServer, type ServerConnection } from '../../worker/server/index.ts';
import { colourImage, fixture, questions } from '../models/hf-samples.ts';
import { type Project, smallProject } from '../support/project.ts';
import { modalityGuard } from './command.ts';

let project: Project;
let server: ServerConnection;
let benchmark: string;
const samples = taskKinds.flatMap((taskKind, kind) =>
  questions(24).map(({ perturbation: _, variant: __, hinted: ___, ...sample }, i) => ({
    ...sample,
    id: `${taskKind} ${i}`,
    taskKind,
    split: i % 2 === 0 ? ('train' as const) : ('test' as const),
    source: `photo:${taskKind} ${i}`,
    // Of two sizes: where a model cuts pictures into tiles or patches their tokens differ in number.
    image: taskKind === 'text_heavy' ? null : colourImage(100 * kind + i, 60, i % 3 === 0 ? 120 : 44),
  })),
);
beforeAll(async () => {
  project = await smallProject(({ training }) => {
    Object.assign(training, { steps: 2, batch: 8, lora: null, memoryLimitMB: 500 });
  });
  benchmark = join(project.folder, 'our-tests');
  await writeSamplesFile(join(benchmark, 'samples.parquet'), samples);
  server = await connectServer({ stateDir: join(project.folder, 'server'), log: () => {} });
});
afterAll(async () => {
  await server?.close();
  await project?.remove();
});

it.each(['llava', 'qwen2_vl'])(
  'train --model <folder of %s> --benchmark <folder> gives an adapter and a model that answers',
  { timeout: 180_000 },
  async (family) => {
    const run = (args: string[]) =>
      modalityGuard([...args, '--json', '--no-input', '--state-dir', family], {
        folder: project.folder,
        env: { TEMPORAL_ADDRESS: server.address },
      });
    const trained = await run(['train', '--model', fixture(family), '--benchmark', benchmark]);
    expect(trained.code, trained.stderr).toBe(0);
    const { losses, trained: model } = JSON.parse(trained.stdout);
    expect(losses.length).toBe(2);
    const out = join(project.folder, `trained ${family}`);
    const exported = await run([
      'models',
      'export',
      model.digest.replace('sha256:', '').slice(0, 16),
      '--out',
      out,
    ]);
    expect(exported.code, exported.stderr).toBe(0);
    const weights = await readFile(join(out, 'adapter/adapter_model.safetensors'));
    expect(decodeSafeTensors(weights, out).tensors.size).toBe(8);
    const adapter = JSON.parse(await readFile(join(out, 'adapter/adapter_config.json'), 'utf8'));
    expect(adapter.base_model_name_or_path).toBe(family);
    const answers = await openAnswerModel(out, { threads: 1 });
    const rows = samples
      .slice(0, 3)
      .map((row) => ({ ...row, perturbation: 'origin' as const, variant: '', hinted: null }));
    expect((await answers.predict(rows)).length).toBe(3);
    await answers.close();
  },
);
