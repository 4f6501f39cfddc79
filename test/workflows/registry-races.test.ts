import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RegistryCall } from '../../activities/index.ts';
import { Random } from '../../random/index.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { GuardError } from '../../schemas/errors.ts';
import type { RegistryEvent } from '../../schemas/registry.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';

let bed: TestBed;
beforeAll(async () => {
  bed = await openTestBed();
});
afterAll(() => bed.close());

const model = (name: string): ArtifactRef => ({
  digest: `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`,
  mediaType: 'application/json',
  bytes: 1,
});

/** What the registry may do, written apart from it: the state after an event, or why there must be no such event. */
interface Seen {
  champion: string;
  challenger: { digest: string; from: string; against: string } | null;
}
function follow(seen: Seen, { digest, from, kind }: RegistryEvent): Seen {
  const { challenger, champion } = seen;
  const ours = challenger?.digest === digest && challenger.from === from;
  switch (kind) {
    case 'proposed':
      if (challenger) throw new Error(`${from} displaced the challenger of ${challenger.from}`);
      return { champion, challenger: { digest, from: from!, against: champion } };
    case 'routed':
      if (!ours) throw new Error(`${from} routed without a place`);
      return seen;
    case 'promoted':
      if (from === 'Ada') {
        if (challenger) throw new Error('a person promoted beside a challenger');
      } else {
        if (!ours) throw new Error(`${from} promoted without a place`);
        if (challenger.against !== champion) throw new Error(`${from} promoted against a champion of before`);
      }
      return { champion: digest, challenger: null };
    case 'rolled_back':
      if (!ours) throw new Error(`${from} rolled back what is not its own`);
      return { champion, challenger: null };
    default:
      throw new Error(`${kind} was not expected`);
  }
}

type Answer = 'taken' | 'REGISTRY_BUSY' | 'PLACE_LOST';

it('100 pairs of rollouts and a person change registries at once: every trail is one after the other', async () => {
  const registry = registryClient(bed.temporal.client);
  const answers = new Map<Answer, number>();
  let promoted = 0;
  const pair = async (i: number) => {
    const random = new Random(1, 'pair', i);
    const name = `race-${i}`;
    const pause = () => sleep(random.int(60));
    let calls = 0;
    const apply = async (kind: RegistryCall['kind'], change: Omit<RegistryCall['change'], 'reason'>) => {
      await pause();
      const requestId = `${i}-${calls++}`;
      const answer: Answer = await registry
        .apply({ kind, name, change: { ...change, reason: 'race' }, requestId })
        .then(
          () => 'taken' as const,
          (error: GuardError) => {
            if (!(error instanceof GuardError)) throw error;
            return error.code as Answer;
          },
        );
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      return answer;
    };
    await registry.apply({
      kind: 'register',
      name,
      change: { model: model('first'), from: 'import', reason: 'first' },
      requestId: `${i}-first`,
    });
    const rollout = async (from: string) => {
      const change = { model: model(from), from, leaseSeconds: 600 };
      for (let tries = 0; tries < 3; tries++) {
        if ((await apply('propose', change)) !== 'taken') continue;
        const against = (await registry.state(name))!.challenger?.against ?? '';
        const led = { ...change, champion: against };
        for (const share of [0, 0.05, 1]) {
          if ((await apply('route', { ...led, stage: `at ${share}`, share })) !== 'taken') break;
        }
        if (random.int(10) < 6) await apply('promote', led);
        else await apply('rollback', change);
        return;
      }
    };
    const person = async () => {
      for (const which of ['x', 'y'])
        await apply('promote', { model: model(which), from: 'Ada', direct: true });
    };
    await Promise.all([rollout('one'), rollout('two'), person()]);
    const { champion, challenger, events } = (await registry.state(name))!;
    const [first, ...rest] = events;
    expect(first?.kind).toBe('registered');
    const end = rest.reduce(follow, { champion: first!.digest, challenger: null } as Seen);
    expect(champion?.model.digest).toBe(end.champion);
    expect(challenger).toBeNull();
    expect(end.challenger).toBeNull();
    promoted += rest.filter(({ from, kind }) => kind === 'promoted' && from !== 'Ada').length;
  };
  await bed.withWorker({}, async () => {
    for (let begin = 0; begin < 100; begin += 10)
      await Promise.all(Array.from({ length: 10 }, (_, k) => pair(begin + k)));
  });
  // The pairs met: otherwise nothing of this was tested.
  expect(promoted).toBeGreaterThan(20);
  expect(answers.get('REGISTRY_BUSY') ?? 0).toBeGreaterThan(20);
}, 300_000);
