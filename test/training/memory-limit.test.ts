import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  buildDecoder,
  buildEmbedTokens,
  buildVisionEncoder,
  initMini,
  miniSizes,
  writeModelFolder,
} from '../../models/index.ts';
import type { LossPoint } from '../../schemas/report.ts';
import { words } from '../models/mini-model.ts';
import { config, trainingRows } from './rows.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'memory-limit-'));
  const sizes = miniSizes(words.length, { layers: 4, width: 256, heads: 8, mlp: 1024 });
  const weights = initMini(1, sizes);
  await writeModelFolder(join(scratch, 'model'), {
    name: 'larger',
    about: 'Random weights.',
    sizes,
    words,
    visionEncoder: buildVisionEncoder(weights, sizes),
    embedTokens: buildEmbedTokens(weights, sizes),
    decoder: buildDecoder(weights, sizes),
  });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function trained(
  name: string,
  memoryLimitMB: number | null,
): Promise<{ losses: LossPoint[]; peakMB: number }> {
  const long = 'the picture is in the bag . '.repeat(20);
  const task = {
    modelFolder: join(scratch, 'model'),
    rows: trainingRows(8).map((row) => ({ ...row, context: `${long}${row.context ?? ''}` })),
    config: config({
      steps: 1,
      batch: 16,
      lora: { rank: 4, alpha: 8 },
      adversarial: { eps: 0 },
      memoryLimitMB,
    }),
    outFolder: join(scratch, name),
  };
  const file = join(scratch, `${name}.bin`);
  await writeFile(file, serialize(task));
  const child = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('./train-process.mjs', import.meta.url)), file],
    {
      encoding: 'utf8',
    },
  );
  expect(child.status, child.stderr).toBe(0);
  return JSON.parse(child.stdout);
}

it('a training keeps within its memory limit, and loses nothing by it', async () => {
  const limit = 420;
  const free = await trained('free', null);
  const limited = await trained('limited', limit);
  expect(free.peakMB).toBeGreaterThan(1.2 * limit);
  expect(limited.peakMB).toBeLessThan(limit);
  const [whole, cut] = [free.losses[0]!, limited.losses[0]!];
  expect(Math.abs(cut.total - whole.total)).toBeLessThan(1e-5 * whole.total);
  expect(Math.abs(cut.gradientNorm - whole.gradientNorm)).toBeLessThan(1e-4 * whole.gradientNorm);
});
