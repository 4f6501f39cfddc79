/**
 * Asks 2,000 samples of a server, ends the process half-way and goes on in another: node scripts/bootstrap.mjs endpoint
 * [--samples <n>] [--concurrency <n>]. Prints one JSON line for an orderly end (SIGTERM) and one for a kill.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { resumeAfter } from './endpoint-resume.ts';

const { values } = parseArgs({
  options: { samples: { type: 'string', default: '2000' }, concurrency: { type: 'string', default: '8' } },
});
const child = fileURLToPath(new URL('./endpoint-child.js', import.meta.url));
const size = { child, samples: Number(values.samples), concurrency: Number(values.concurrency), delayMs: 10 };
for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  const figures = await resumeAfter(signal, size);
  process.stdout.write(`${JSON.stringify({ name: 'endpoint-resume', ...figures })}\n`);
  // An orderly end repeats nothing; a kill repeats at most what was under way. Neither loses anything.
  const mayRepeat = signal === 'SIGTERM' ? 0 : size.concurrency;
  if (figures.lost > 0 || figures.sentTwice > mayRepeat) process.exitCode = 1;
}
