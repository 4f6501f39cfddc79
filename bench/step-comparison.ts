import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaseOptions } from './decoder-case.ts';
import { alternate, type Comparison, type Measurement, measured, note, type RunOptions } from './measure.ts';
import { profile } from './profile.ts';
import { ourSide, peerSide, type Side } from './side.ts';

/** Where peak memory is compared too, its largest ratio. */
interface Goals {
  time: number;
  memory?: number;
}

/** A step of a decoder, ours and PyTorch's, on the same weights and batch. */
export function stepComparison(
  name: string,
  what: string,
  options: CaseOptions,
  goals: Goals,
  rounds = 15,
): Comparison {
  return {
    name,
    what,
    run: (run) =>
      withFile('case.safetensors', async (path) => {
        const ours = ourSide('ours.js', [JSON.stringify(options), `${run.threads}`]);
        await ours.next();
        await ours.ask(`write ${path}`);
        const peer = peerSide('decoder.py', [path, `${run.threads}`]);
        try {
          if (!(await greet(peer))) return [];
          if (run.profile) note(await profile([JSON.stringify(options), `${run.threads}`]));
          const times = await alternate(ours, peer, run.rounds ?? rounds);
          const result = [measured({ name, ...times, goal: goals.time, unit: 's' }, run)];
          if (goals.memory) result.push(await memory(`${name}-memory`, ours, peer, goals.memory, run));
          return result;
        } finally {
          await Promise.all([ours.close(), peer.close()]);
        }
      }),
  };
}

async function greet(peer: Side): Promise<boolean> {
  try {
    const { torch } = await peer.next();
    note(`PyTorch ${torch}`);
    return true;
  } catch (error) {
    const why = (error as Error).message;
    note(`skipped: PyTorch is not to be had (${why}); name an interpreter that has it in PYTHON`);
    return false;
  }
}

/** The most memory beyond what the libraries take, in megabytes. */
async function memory(
  name: string,
  ours: Side,
  peer: Side,
  goal: number,
  run: RunOptions,
): Promise<Measurement> {
  const grown = async (side: Side) => {
    const { start, peak } = await side.ask('memory');
    return (Number(peak) - Number(start)) / 1e6;
  };
  return measured({ name, ours: await grown(ours), peer: await grown(peer), goal, unit: 'MB' }, run);
}

/** Calls `use` with a path in a folder that is removed afterwards. */
export async function withFile<T>(name: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    return await use(join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
