import { describe, expect, it } from 'vitest';
import { pairOf, runBatch } from '../../bench/faults/batch.ts';
import { tableOf } from '../../bench/faults/table.ts';
import { compare, type Trial } from '../../bench/faults/trial.ts';

/** Each operation under another fault. */
const indices = [0, 6, 12, 18, 24];

/** Minutes of processes that are killed: `npm run faults` tries more of them. */
const wanted = Boolean(process.env.MODALITY_GUARD_TEST_FAULTS);

describe('faults at random moments', { timeout: 900_000 }, () => {
  it.skipIf(!wanted)(
    'leave the state, the digests and the trail as they are without, and nothing behind',
    async () => {
      expect(indices.map(pairOf)).toEqual([
        { name: 'run', fault: 'kill' },
        { name: 'diagnose', fault: 'stop' },
        { name: 'schedule', fault: 'restart' },
        { name: 'drift', fault: 'full disk' },
        { name: 'rollout', fault: 'two at once' },
      ]);
      const trials: Trial[] = [];
      const batch = await runBatch(indices, {
        seed: 1,
        stop: new AbortController().signal,
        onTrial: async (trial) => void trials.push(trial),
        log: () => {},
      });
      const wrong = trials.map(({ differing, operation, state, trail }) => ({
        operation,
        state,
        differing,
        trail,
      }));
      expect(wrong).toEqual(
        wrong.map(({ operation }) => ({ operation, state: null, differing: [], trail: null })),
      );
      expect(trials.length).toBeGreaterThanOrEqual(4); // Where no disk can be mounted none becomes full.
      expect(batch).toMatchObject({ processes: 0, files: [], mostServers: 1 });
      expect(tableOf(trials, [batch])).toContain('| run | kill | 1 | 1 | 1 | 1 |');
    },
  );

  it('are counted as what they are', () => {
    const expected = { outcome: 'promoted', figures: 'sha256:a', trail: 'registered promoted' };
    expect(compare(expected, expected)).toEqual({ differing: [], trail: null });
    expect(compare({ ...expected, figures: 'sha256:b', trail: 'registered' }, expected)).toEqual({
      differing: ['figures'],
      trail: 'trail: registered in place of registered promoted',
    });
  });
});
