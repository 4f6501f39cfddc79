import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ChatServer } from './chat-server.ts';

export interface ResumeFigures {
  signal: NodeJS.Signals;
  samples: number;
  concurrency: number;
  /** Answers in the record when the first process had ended. */
  answeredBefore: number;
  /** Samples with an answer at the end; the others are lost. */
  answered: number;
  lost: number;
  /** Requests of which the server gave the whole answer more than once. */
  deliveredTwice: number;
  /** Requests that came to the server more than once, all under the key of the first time. */
  sentTwice: number;
  /** Requests, however often they came. */
  requests: number;
}

/** Answers `samples` in a process that is ended by `signal` half-way, then in a second one; `child` is the compiled program. */
export async function resumeAfter(
  signal: NodeJS.Signals,
  options: { child: string; samples: number; concurrency: number; delayMs: number },
): Promise<ResumeFigures> {
  const { child, concurrency, delayMs, samples } = options;
  const server = await ChatServer.start({ delayMs });
  const folder = await mkdtemp(join(tmpdir(), 'guard-endpoint-'));
  try {
    await writeFile(
      join(folder, 'endpoint.json'),
      JSON.stringify({ baseUrl: server.baseUrl, model: 'served', concurrency }),
    );
    const args = [child, folder, join(folder, 'state'), String(samples)];
    const first = run(args);
    while (delivered(server) < samples / 2) await pause(5);
    first.kill(signal);
    await first.ended;
    const answeredBefore = delivered(server);
    const { stdout } = await run(args).ended;
    const { answered } = JSON.parse(stdout) as { answered: number };
    const counts = [...server.counts.values()];
    return {
      signal,
      samples,
      concurrency,
      answeredBefore,
      answered,
      lost: samples - answered,
      deliveredTwice: counts.filter(({ delivered: times }) => times > 1).length,
      sentTwice: counts.filter(({ received }) => received > 1).length,
      requests: server.bodies.length,
    };
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function delivered({ counts }: ChatServer): number {
  return [...counts.values()].reduce((sum, count) => sum + count.delivered, 0);
}

function run(args: string[]) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString('utf8');
  });
  const ended = new Promise<{ code: number | null; stdout: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout }));
  });
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), ended };
}
