import { join } from 'node:path';
import { dataFolder } from '../../data/folder.ts';
import { type DiagnosisCase, llavaCase, miniCase } from '../diagnosis-case.ts';
import { alternate, type Comparison, type Measurement, measured, type RunOptions } from '../measure.ts';
import { ourSide, peerSide } from '../side.ts';

const batch = 32;

export const diagnosis: Comparison = {
  name: 'diagnosis',
  what: 'samples under every perturbation, ours and the plain loop: the mini model; LLaVA of 6 layers, width 256, 256 image tokens',
  async run(run) {
    const benchmark = join(dataFolder(), 'benchmark/test.parquet');
    return [
      await compare('diagnosis-mini', await miniCase(benchmark, 100), run),
      await compare('diagnosis-llava', await llavaCase(benchmark, 16), run),
    ];
  },
};

async function compare(name: string, made: DiagnosisCase, run: RunOptions): Promise<Measurement> {
  const sizes = [`${run.threads}`, `${batch}`];
  const ours = ourSide('diagnosis.js', [made.folder, made.samples, ...sizes]);
  const peer = peerSide('diagnosis.py', [made.folder, made.questions, ...sizes]);
  try {
    await ours.next();
    await peer.next();
    const times = await alternate(ours, peer, run.rounds ?? 3, 1);
    return measured({ name, ...times, goal: 0.5, unit: 's' }, run);
  } finally {
    await Promise.all([ours.close(), peer.close()]);
  }
}
