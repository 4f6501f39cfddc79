import { cpus, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from '../diagnosis/index.ts';
import type { Side } from './side.ts';

/** One figure, as it is printed. */
export interface Measurement {
  name: string;
  ours: number;
  /** The peer's figure; null where a figure is held against a bound alone. */
  peer: number | null;
  /** ours / peer, or ours / goal without a peer: below 1 (below `goal` with a peer) is well. */
  ratio: number;
  /** The same of the processor's seconds, all threads together: other programs disturb it less. With one thread it is fair. */
  cpuRatio?: number;
  /** What `ratio` is to reach at most with a peer; what `ours` is to reach at most without. */
  goal: number;
  unit: string;
  threads: number;
  /** Load average of the last minute, at the end. */
  load: number;
  machine: string;
}

export interface RunOptions {
  threads: number;
  /** Measured rounds of a step; each comparison has its own default. */
  rounds?: number;
  /** Adds the time of each kind of operation on our side, to stderr. */
  profile: boolean;
}

export interface Comparison {
  name: string;
  /** One line on what is done on both sides. */
  what: string;
  run(options: RunOptions): Promise<Measurement[]>;
}

/** Between turns, so that one side's waiting threads have gone to sleep when the other begins. */
const restMilliseconds = 150;

export const note = (line: string): boolean => process.stderr.write(`${line}\n`);

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Completes a measurement with what is the same for all of a run. */
export function measured(
  figure: Pick<Measurement, 'name' | 'ours' | 'peer' | 'cpuRatio' | 'goal' | 'unit'>,
  { threads }: RunOptions,
): Measurement {
  const { ours, peer, goal } = figure;
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return {
    ...figure,
    ratio: ours / (peer ?? goal),
    threads,
    load: Number(loadavg()[0]!.toFixed(2)),
    machine: `${cpus().length} x ${model}`,
  };
}

interface Turns {
  ours: number[];
  peer: number[];
}

/**
 * Seconds of a step on both sides, in turn, medians. Both train the same weights on the same batch: their losses must
 * agree, or the times mean nothing.
 */
export async function alternate(
  ours: Side,
  peer: Side,
  rounds: number,
  warmUps = 3,
): Promise<{ ours: number; peer: number; cpuRatio?: number }> {
  const [seconds, cpu] = [0, 1].map(() => ({ ours: [] as number[], peer: [] as number[] })) as [Turns, Turns];
  for (let round = -warmUps; round < rounds; round++) {
    await pause(restMilliseconds);
    const a = await ours.step();
    await pause(restMilliseconds);
    const b = await peer.step();
    checkSame(Number(a.loss), Number(b.loss), round + warmUps);
    if (round < 0) continue;
    seconds.ours.push(Number(a.seconds));
    seconds.peer.push(Number(b.seconds));
    if (a.cpu && b.cpu) {
      cpu.ours.push(Number(a.cpu));
      cpu.peer.push(Number(b.cpu));
    }
  }
  const times = { ours: median(seconds.ours), peer: median(seconds.peer) };
  return cpu.ours.length > 0 ? { ...times, cpuRatio: median(cpu.ours) / median(cpu.peer) } : times;
}

function checkSame(ours: number, peer: number, step: number): void {
  if (Math.abs(ours - peer) < 1e-3 * Math.abs(peer)) return;
  throw new Error(`step ${step}: our loss is ${ours}, PyTorch's ${peer}; the two do not compute the same`);
}
