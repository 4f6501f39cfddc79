import { beforeAll, describe, expect, it } from 'vitest';
import { replayHistories } from '../../worker/audit.ts';
import { keptHistories } from '../support/histories.ts';

let kept: Awaited<ReturnType<typeof keptHistories>>;
beforeAll(async () => {
  kept = await keptHistories();
});

describe('kept histories', () => {
  it('are there for every workflow', () => {
    const cases = new Set(kept.map(({ file }) => file.split('_')[0]));
    expect([...cases]).toEqual(
      expect.arrayContaining([
        'diagnose',
        'diagnose-nightly',
        'diagnose-served',
        'drift',
        'drift-answered',
        'drift-watch',
        'pilot',
        'registry',
        'robustify',
        'robustify-pilot',
        'robustify-pilot-rejected',
        'rollout-approved',
        'rollout-planned-approved',
        'rollout-rolled-back',
        'train',
      ]),
    );
  });

  it('replay with the workflow code of now', async () => {
    const { failures, replayed } = await replayHistories(kept);
    expect(failures).toEqual([]);
    expect(replayed).toHaveLength(kept.length);
  });

  it('do not replay where another activity was called', async () => {
    const [first] = kept.filter(({ file }) => file.startsWith('rollout-rolled-back'));
    const text = JSON.stringify(first!.history).replaceAll('"replayTraffic"', '"replayNothing"');
    const { failures } = await replayHistories([{ ...first!, history: JSON.parse(text) }]);
    expect(failures).toHaveLength(1);
  });
});
