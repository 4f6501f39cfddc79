import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../random/index.ts';
import { type FaultName, faultNames } from './faults.ts';
import { type Facts, type OperationName, operationNames, prepared } from './operations.ts';
import { Scene } from './scene.ts';
import { compare, insisting, type Trial, tryFault } from './trial.ts';

/** Operations that are under way at once. */
const lanes = 3;
/** Without a fault an operation ends long before. */
const calmMs = 120_000;

/** What one scene left when everything in it had been closed. */
export interface Batch {
  processes: number;
  files: string[];
  mostServers: number;
  starts: number;
}

/** Which operation and fault a number stands for: every pair comes in turn. */
export function pairOf(index: number): { name: OperationName; fault: FaultName } {
  const name = operationNames[index % operationNames.length]!;
  return { name, fault: faultNames[Math.floor(index / operationNames.length) % faultNames.length]! };
}

/** Tries the faults of these numbers in one scene: a server, a worker and a client that live through all of them. */
export async function runBatch(
  indices: readonly number[],
  options: {
    seed: number;
    stop: AbortSignal;
    onTrial: (trial: Trial) => Promise<void>;
    log: (line: string) => void;
  },
): Promise<Batch> {
  const { log, onTrial, seed, stop } = options;
  const scene = await Scene.open(log);
  let mostServers = 0;
  const watch = setInterval(async () => {
    mostServers = Math.max(mostServers, (await scene.processes().catch(() => ({ server: 0 }))).server);
  }, 500);
  try {
    const operations = await prepared(scene);
    const calm = {} as Record<OperationName, { facts: Facts; ms: number }>;
    for (const name of new Set(indices.map((index) => pairOf(index).name))) {
      const [first, second] = await Promise.all(
        [1, 2].map(async (time) => {
          const began = Date.now();
          const again = insisting([], began + calmMs);
          const facts = await operations[name](scene, `calm-${name}-${time}`, again);
          return { facts, ms: Date.now() - began };
        }),
      );
      calm[name] = { facts: shared(first!.facts, second!.facts), ms: second!.ms };
      log(
        `${name}: ${Object.keys(calm[name].facts).length} facts to compare, ${(second!.ms / 1000).toFixed(1)} s without a fault`,
      );
    }
    const todo = [...indices];
    const lane = async () => {
      for (let index = todo.shift(); index !== undefined && !stop.aborted; index = todo.shift()) {
        const { fault, name } = pairOf(index);
        if (fault === 'full disk' && scene.disk === null) continue;
        const random = new Random(seed, 'fault', String(index));
        const { facts: expected, ms: usualMs } = calm[name];
        const plan = { index, name, operation: operations[name], expected, usualMs };
        await onTrial(await tryFault(scene, plan, fault, random));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    await sleep(1_000);
    clearInterval(watch);
    return { ...(await scene.close()), mostServers, starts: scene.starts };
  } finally {
    clearInterval(watch);
    await scene.close();
    await scene.remove();
  }
}

/** What two trials without faults have in common: names and times are left out by that. */
function shared(one: Facts, other: Facts): Facts {
  const different = new Set(compare(other, one).differing);
  return Object.fromEntries(Object.entries(one).filter(([name]) => !different.has(name)));
}
