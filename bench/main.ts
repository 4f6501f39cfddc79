/**
 * Benchmarks against PyTorch: npm run --silent bench -- [--json] [--threads <n>] [--rounds <n>].
 * PyTorch is looked for in python3, or in the interpreter that PYTHON names.
 */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Peer } from './peer.ts';
import { OurStep, withFile } from './train-step.ts';

export interface Measurement {
  name: string;
  ours: number;
  peer: number;
  /** ours / peer: below 1 we are quicker. */
  ratio: number;
  /** The ratio that is aimed at. */
  goal: number;
  unit: string;
}

const warmUps = 3;
/** Between turns, so that one side's waiting threads have gone to sleep when the other begins. */
const restMilliseconds = 150;

const note = (line: string) => process.stderr.write(`${line}\n`);

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** A training step of the mini model (forward, backward, clipping, AdamW), ours and PyTorch's in turn. */
async function trainStep(threads: number, rounds: number): Promise<Measurement | null> {
  return withFile('step.safetensors', async (path) => {
    const ours = new OurStep(threads);
    await ours.writeFor(path);
    const peer = new Peer('train_step.py', [path, `${threads}`]);
    const found = await peer.next().catch((error: Error) => {
      note(`skipped: PyTorch is not to be had (${error.message}); name an interpreter that has it in PYTHON`);
      return null;
    });
    if (!found) return null;
    const seconds = { ours: [] as number[], peer: [] as number[] };
    for (let round = -warmUps; round < rounds; round++) {
      const begin = performance.now();
      const loss = await ours.run();
      const took = (performance.now() - begin) / 1000;
      await pause(restMilliseconds);
      const answer = await peer.step();
      await pause(restMilliseconds);
      checkSame(loss, Number(answer.loss), round + warmUps);
      if (round < 0) continue;
      seconds.ours.push(took);
      seconds.peer.push(Number(answer.seconds));
    }
    peer.close();
    await ours.close();
    const load = loadavg()[0]!.toFixed(1);
    note(
      `PyTorch ${found.torch}, ${threads} thread(s) each, ${rounds} rounds in turn, medians; load ${load}`,
    );
    const [a, b] = [median(seconds.ours), median(seconds.peer)];
    const name = `mini training step, batch 64, ${threads} thread(s)`;
    return { name, ours: a, peer: b, ratio: a / b, goal: 1.1, unit: 's' };
  });
}

/** Both sides train the same weights on the same batch: the losses must agree, or the times mean nothing. */
function checkSame(ours: number, peer: number, step: number): void {
  if (Math.abs(ours - peer) < 1e-3 * Math.abs(peer)) return;
  throw new Error(`step ${step}: our loss is ${ours}, PyTorch's ${peer}; the two do not compute the same`);
}

function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ name, ours, peer, ratio, goal, unit }) =>
    [name, `${ours.toFixed(4)} ${unit}`, `${peer.toFixed(4)} ${unit}`, ratio.toFixed(2), `${goal}`].join(
      ' | ',
    ),
  );
  return ['name | ours | PyTorch | ratio | goal', '--- | --- | --- | --- | ---', ...rows].join('\n');
}

function count(flag: string, given: string | undefined, fallback: number): number {
  const value = given === undefined ? fallback : Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${flag}: expected a whole number above 0, found '${given}'`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, threads: { type: 'string' }, rounds: { type: 'string' } },
  });
  const threads = count('threads', values.threads, Math.min(2, availableParallelism()));
  const measured = [await trainStep(threads, count('rounds', values.rounds, 15))].filter((m) => m !== null);
  if (values.json) for (const line of measured) process.stdout.write(`${JSON.stringify(line)}\n`);
  else if (measured.length > 0) process.stdout.write(`${table(measured)}\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
