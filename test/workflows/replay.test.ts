import { beforeAll, describe, expect, it } from 'vitest';
import { mutants } from '../../bench/mutants/list.ts';
import { tryMutant, withCopy } from '../../bench/mutants/try.ts';
import { quietly } from '../../worker/observe/runtime.ts';
import { type HistoryToReplay, replayStrictly } from '../../worker/replay/strict.ts';
import { workflowCode } from '../../worker/run.ts';
import { keptHistories } from '../support/histories.ts';

type Kept = Awaited<ReturnType<typeof keptHistories>>[number];
let kept: Kept[];
beforeAll(async () => {
  quietly();
  kept = await keptHistories();
});

async function replayed(histories: readonly HistoryToReplay[]) {
  const all = [];
  for await (const one of replayStrictly(await workflowCode(), histories)) all.push(one);
  return all;
}

/** Of a kept history, with one value of one event's payloads changed. */
function changed(begin: string, type: string, change: (value: Record<string, unknown>) => void): Kept {
  const { history, ...rest } = kept.find(({ file }) => file.startsWith(begin))!;
  const copy = structuredClone(history) as unknown as { events: Record<string, unknown>[] };
  const event = copy.events.find(({ eventType }) => eventType === `EVENT_TYPE_${type}`)!;
  const fields = Object.entries(event).find(([key]) => key.endsWith('EventAttributes'))![1] as Record<
    string,
    unknown
  >;
  const holder = (fields.input ?? fields.result) as { payloads: { data: string }[] };
  const value = JSON.parse(Buffer.from(holder.payloads[0]!.data, 'base64').toString('utf8'));
  change(value);
  holder.payloads[0]!.data = Buffer.from(JSON.stringify(value)).toString('base64');
  return { ...rest, history: copy as unknown as Kept['history'] };
}

const messagesOf = async (one: HistoryToReplay) =>
  (await replayed([one])).flatMap(({ differences }) => differences.map(({ message }) => message));

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
        'notice',
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

  it('replay with the workflow code of now, which does all that they say and nothing else', async () => {
    const all = await replayed(kept);
    expect(
      all.flatMap(({ differences }, i) => differences.map((one) => [kept[i]!.file, one.message])),
    ).toEqual([]);
    expect(all).toHaveLength(kept.length);
  });
});

describe('a strict replay', () => {
  it('names event, stage and time where another activity was called', async () => {
    const [first] = kept.filter(({ file }) => file.startsWith('rollout-rolled-back'));
    const text = JSON.stringify(first!.history).replaceAll('"replayTraffic"', '"replayNothing"');
    const [message, ...more] = await messagesOf({ ...first!, history: JSON.parse(text) });
    expect(message).toBe(
      'event 18, stage "offline", 2026-11-23 23:28:09 UTC: activity "replayNothing", type: "replayNothing" in the history, "replayTraffic" by this code',
    );
    expect(more).toEqual([]);
  });

  it.each([
    ['an argument of an activity', 'rollout-planned-promoted', 'ACTIVITY_TASK_SCHEDULED', 'seed'],
    ['an argument of a child', 'robustify-rollout-ended', 'START_CHILD_WORKFLOW_EXECUTION_INITIATED', 'seed'],
    ['the result', 'rollout-planned-promoted', 'WORKFLOW_EXECUTION_COMPLETED', 'result'],
  ])('sees that %s is another', async (_, history, event, field) => {
    const other = changed(history, event, (value) => {
      value[field] = 'another';
    });
    const [message] = await messagesOf(other);
    expect(message).toMatch(
      new RegExp(`^event \\d+, .* UTC: .*${field}.*: "another" in the history, .* by this code$`),
    );
  });

  it('sees that a timer took another time', async () => {
    const { history, ...rest } = kept.find(({ file }) => file.startsWith('rollout-planned-timeout'))!;
    const text = JSON.stringify(history).replace(/"startToFireTimeout":"[^"]*"/, '"startToFireTimeout":"7s"');
    const [message] = await messagesOf({ ...rest, history: JSON.parse(text) });
    expect(message).toMatch(/timer, duration: "7 s" in the history, ".* s" by this code$/);
  });

  it('sees that an update was answered otherwise', async () => {
    const { history, ...rest } = kept.find(({ file }) => file.startsWith('registry-long'))!;
    const copy = JSON.parse(JSON.stringify(history));
    const completed = copy.events.find(({ eventType }: { eventType: string }) =>
      /UPDATE_COMPLETED$/.test(eventType),
    );
    const [payload] = completed.workflowExecutionUpdateCompletedEventAttributes.outcome.success.payloads;
    const state = JSON.parse(Buffer.from(payload.data, 'base64').toString('utf8'));
    state.champion = null;
    payload.data = Buffer.from(JSON.stringify(state)).toString('base64');
    const [message] = await messagesOf({ ...rest, history: copy });
    expect(message).toMatch(/^event \d+, .*: answer to an update, result\.champion: null in the history/);
  });

  it.each([
    'all requests go to the challenger at the offline stage',
    'what failed is promoted, what passed is rolled back',
    'requests are routed after the stage was measured',
    'the verdict of a gate is not noted',
  ])('catches a mistake in the code: %s', async (name) => {
    const mutant = mutants.find((one) => one.name === name)!;
    const { caughtBy, message } = await withCopy((folder) => tryMutant(folder, mutant));
    expect(caughtBy).not.toBeNull();
    expect(message).toMatch(/^event \d+, .* by this code/);
  });
});
