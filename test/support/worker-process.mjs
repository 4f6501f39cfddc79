// A worker in a process of its own, that a test can kill: node worker-process.mjs <project folder>
import { runWorker } from '../../dist/worker/index.js';

await runWorker({
  folder: process.argv[2],
  log: (line) => process.stdout.write(`${line}\n`),
  signal: new AbortController().signal,
});
