import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../random/index.ts';
import { drawFault, type FaultName } from './faults.ts';
import type { Again, Facts, Operation, OperationName } from './operations.ts';
import type { Scene } from './scene.ts';

/** One fault, and what came of the operation under which it struck. */
export interface Trial {
  index: number;
  operation: OperationName;
  fault: FaultName;
  detail: string;
  /** Milliseconds after the operation's start. */
  afterMs: number;
  seconds: number;
  /** Ended as without a fault; else why not. */
  state: string | null;
  /** Names of digests that differ. */
  differing: string[];
  /** How the registry's trail differs; null: it does not. */
  trail: string | null;
  /** What commands said before they were given again. */
  said: string[];
}

const patienceMs = 150_000;
const mostTries = 12;
const trailFacts = ['trail', 'complete'];

/** Gives a command again until it is taken, and notes what it said. */
export function insisting(said: string[], deadline: number): Again {
  return async (command) => {
    for (let tries = 1; ; tries++) {
      const remaining = deadline - Date.now();
      const late = sleep(Math.max(0, remaining), null, { ref: false }).then(() => {
        throw new Error(`no end within ${patienceMs / 1000} s`);
      });
      try {
        return await Promise.race([command(), late]);
      } catch (error) {
        said.push(wordsOf(error));
        if (tries === mostTries || Date.now() >= deadline) throw error;
        await sleep(500);
      }
    }
  };
}

function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let at = error; at instanceof Error && words.length < 4; at = at.cause) {
    const { code, type } = at as { code?: unknown; type?: unknown };
    words.push(`${type ?? code ?? at.name}: ${at.message.split('\n')[0]}`);
  }
  return words.join(' < ').slice(0, 300);
}

/** Whether facts are those of a trial without faults; only names that were the same in two such trials are looked at. */
export function compare(found: Facts, expected: Facts): Pick<Trial, 'differing' | 'trail'> {
  const differing = Object.keys(expected).filter((name) => found[name] !== expected[name]);
  const trail = differing.find((name) => trailFacts.includes(name));
  return {
    differing: differing.filter((name) => !trailFacts.includes(name)),
    trail: trail === undefined ? null : `${trail}: ${found[trail]} in place of ${expected[trail]}`,
  };
}

/** Runs an operation while a fault strikes at a random moment of it. */
export async function tryFault(
  scene: Scene,
  {
    expected,
    index,
    name,
    operation,
    usualMs,
  }: {
    index: number;
    name: OperationName;
    operation: Operation;
    expected: Facts;
    /** What the operation takes without a fault. */
    usualMs: number;
  },
  fault: FaultName,
  random: Random,
): Promise<Trial> {
  const { detail, strike } = drawFault(fault, random);
  const afterMs = random.int(Math.max(1, Math.round(usualMs)));
  const said: string[] = [];
  const began = Date.now();
  const model = `${name}-${index}`;
  const again = insisting(said, began + patienceMs);
  const struck = sleep(afterMs).then(() => strike(scene));
  const once = () => operation(scene, model, again);
  const result = { index, operation: name, fault, detail, afterMs };
  let ends: Facts[] = [];
  let state: string | null = null;
  try {
    ends = await Promise.all(fault === 'two at once' ? [once(), sleep(afterMs).then(once)] : [once()]);
  } catch (error) {
    state = wordsOf(error);
  }
  await struck.catch((error) => said.push(`the fault itself: ${wordsOf(error)}`));
  const compared = ends.map((facts) => compare(facts, expected));
  return {
    ...result,
    seconds: (Date.now() - began) / 1000,
    state,
    differing: [...new Set(compared.flatMap(({ differing }) => differing))],
    trail: compared.find(({ trail }) => trail !== null)?.trail ?? null,
    said: [...new Set(said)],
  };
}
