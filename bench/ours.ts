/**
 * Our side of a comparison: node dist/bench/ours.js <CaseOptions as JSON> <threads>. Prints one JSON line when ready, then for
 * each line on stdin one: `write <path>` writes weights and batch for the peer, `step` takes a step, `memory` tells the
 * largest resident size so far.
 */
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type CaseOptions, DecoderCase } from './decoder-case.ts';
import { peakBytes, residentBytes } from './memory.ts';
import { ourStep } from './our-steps.ts';

async function main([options, threads]: readonly string[]): Promise<void> {
  const answer = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const start = residentBytes();
  const decoderCase = new DecoderCase(JSON.parse(options!) as CaseOptions);
  const step = await ourStep(decoderCase, Number(threads));
  answer({ ready: 1 });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, path] = line.split(' ', 2);
    if (command === 'write') {
      await writeFile(path!, decoderCase.toBytes());
      answer({ written: 1 });
    } else if (command === 'memory') {
      answer({ start, peak: peakBytes() });
    } else {
      const [begin, used] = [performance.now(), process.cpuUsage()];
      const loss = await step.run();
      const seconds = (performance.now() - begin) / 1000;
      const { user, system } = process.cpuUsage(used);
      answer({ seconds, cpu: (user + system) / 1e6, loss });
    }
  }
  await step.close();
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
