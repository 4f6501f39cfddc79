/**
 * One diagnosis from nothing in a process of its own, with server, worker and store in a folder that is removed afterwards:
 * node --import <clock.js> round.js <samples a condition>. Prints one JSON line, a `Round`.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { diagnoseOnce, openSession, reportDiagnosis, writeDiagnosis } from '../../worker/index.ts';
import { channelName, covered, type Interval, now } from './intervals.ts';

export interface Round {
  /** Samples that were answered, over all conditions. */
  answers: number;
  /** From the end of ingest to the last file of the report. */
  seconds: number;
  /** Of these, how long at least one session run was under way. */
  inference: number;
  /** What came before: reading and checking the benchmark, taking in the model. */
  ingest: number;
  /** Digest of all artifacts and of the per-sample log: the same whatever the speed. */
  digest: string;
}

async function main(samples: number): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'whole-diagnosis-'));
  const runs: Interval[] = [];
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = ({ data }: { data: Interval }) => runs.push(data);
  const session = await openSession({ stateDir, log: () => {} });
  try {
    const options = { level: 'L1', samples } as const;
    const asked = now();
    const outcome = await diagnoseOnce(session, options);
    const reported = await reportDiagnosis(session, outcome, options);
    const { sampleLog } = await writeDiagnosis(join(stateDir, 'report'), reported);
    const ended = now();
    const ingest = outcome.seconds.ingest!;
    const began = asked + 1000 * ingest;
    const round: Round = {
      answers: reported.log.length,
      seconds: (ended - began) / 1000,
      inference: covered(runs, began, ended) / 1000,
      ingest,
      digest: createHash('sha256')
        .update(JSON.stringify(outcome.artifacts))
        .update(await readFile(sampleLog))
        .digest('hex'),
    };
    process.stdout.write(`${JSON.stringify(round)}\n`);
  } finally {
    channel.close();
    await session.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}

main(Number(process.argv[2])).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
