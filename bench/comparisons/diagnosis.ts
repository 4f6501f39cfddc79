import { join } from 'node:path';
import { dataFolder } from '../../data/folder.ts';
import { diagnosisCase } from '../diagnosis-case.ts';
import { alternate, type Comparison, measured } from '../measure.ts';
import { ourSide, peerSide } from '../side.ts';

/** Samples of each kind; a condition of each perturbation is made of them. */
const perKind = 16;
const batch = 32;

export const diagnosis: Comparison = {
  name: 'diagnosis',
  what: `${perKind} samples a kind under every perturbation, LLaVA of 6 layers, width 256, 256 image tokens: ours and the plain loop`,
  async run(run) {
    const made = await diagnosisCase(join(dataFolder(), 'benchmark/test.parquet'), perKind);
    const sizes = [`${run.threads}`, `${batch}`];
    const ours = ourSide('diagnosis.js', [made.folder, made.samples, ...sizes]);
    const peer = peerSide('diagnosis.py', [made.folder, made.questions, ...sizes]);
    try {
      await ours.next();
      await peer.next();
      const times = await alternate(ours, peer, run.rounds ?? 3, 1);
      return [measured({ name: 'diagnosis-llava', ...times, goal: 0.5, unit: 's' }, run)];
    } finally {
      await Promise.all([ours.close(), peer.close()]);
    }
  },
};
