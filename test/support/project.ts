import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomModel, smallBenchmark } from '../../bench/small-project.ts';
import type { GuardConfig } from '../../schemas/config.ts';
import { packageFolder } from '../../worker/config.ts';

export { smallBenchmark } from '../../bench/small-project.ts';

export interface Project {
  folder: string;
  remove(): Promise<void>;
}

/** A project folder with a small model, a small benchmark and a configuration for quick runs. */
export async function smallProject(change: (config: GuardConfig) => void = () => {}): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-project-'));
  await randomModel(join(folder, 'model'));
  await smallBenchmark(join(folder, 'benchmark'));
  const shipped = join(packageFolder(), 'temporal.config.json');
  const config = JSON.parse(await readFile(shipped, 'utf8')) as GuardConfig;
  Object.assign(config, { model: { name: 'tiny', folder: 'model' }, data: { folder: 'benchmark' } });
  config.worker.heartbeatThrottleSeconds = 0.5;
  config.diagnosis.samples = 8;
  config.diagnosis.attack = { kinds: ['pgd'], samples: 4, eps: [0, 0.01], alpha: 0.1, steps: 1 };
  config.training = { ...config.training, steps: 6, batch: 16, threads: 1 };
  for (const policy of config.policies) policy.requests = 24;
  change(config);
  await writeFile(join(folder, 'temporal.config.json'), JSON.stringify(config, null, 2));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
