import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../random/index.ts';
import type { Process, Scene } from './scene.ts';

export const faultNames = [
  'kill',
  'stop',
  'restart',
  'full disk',
  'two at once',
  'slow server',
  'denied calls',
] as const;
export type FaultName = (typeof faultNames)[number];

const processes: readonly Process[] = ['worker', 'server', 'supervisor'];

/** What an operator's rules, or a server in trouble, may refuse for a while. */
const deniable: readonly [string, RegExp][] = [
  ['everything', /./],
  ['starting, updating and signalling', /(Start|Update|Signal|Execute)\w*Workflow|MultiOperation|Schedule/],
  ['answers of the worker', /Respond\w+/],
  ['heartbeats', /RecordActivityTaskHeartbeat/],
  ['polling', /Poll\w+/],
  ['queries and histories', /QueryWorkflow|GetWorkflowExecutionHistory|Describe/],
  ['operator calls', /operatorservice/],
];

/** A fault as it was drawn: what it does, in words, and itself. */
export interface Fault {
  detail: string;
  strike(scene: Scene): Promise<void>;
}

/** Draws the details of a fault. `two at once` strikes nothing: the command is given twice. */
export function drawFault(name: FaultName, random: Random): Fault {
  const which = random.pick(processes);
  const forMs = 1_500 + random.int(5_000);
  const seconds = `${(forMs / 1000).toFixed(1)} s`;
  switch (name) {
    case 'kill':
      return {
        detail: `kill -9 ${which}`,
        strike: async (scene) => void (await scene.signal(which, 'SIGKILL')),
      };
    case 'restart':
      return {
        detail: `kill -TERM ${which}`,
        strike: async (scene) => void (await scene.signal(which, 'SIGTERM')),
      };
    case 'stop':
      return {
        detail: `kill -STOP ${which} for ${seconds}`,
        async strike(scene) {
          const pid = await scene.signal(which, 'SIGSTOP');
          await sleep(forMs);
          try {
            process.kill(pid, 'SIGCONT');
          } catch {
            // Another fault ended it.
          }
        },
      };
    case 'full disk':
      return { detail: `no room for ${seconds}`, strike: (scene) => scene.fill(forMs) };
    case 'two at once':
      return { detail: 'the command given twice', strike: async () => {} };
    case 'slow server': {
      const delayMs = 200 + random.int(1_000);
      return {
        detail: `${delayMs} ms a call for ${seconds}`,
        async strike({ proxy }) {
          proxy.delayMs = delayMs;
          await sleep(forMs);
          proxy.delayMs = 0;
        },
      };
    }
    case 'denied calls': {
      const [what, pattern] = random.pick(deniable);
      return {
        detail: `${what} denied for ${seconds}`,
        async strike({ proxy }) {
          proxy.denied = pattern;
          await sleep(forMs);
          proxy.denied = null;
        },
      };
    }
  }
}
