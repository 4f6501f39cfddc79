/** Answers `count` samples through the endpoint of a folder: node endpoint-child.js <folder> <state folder> <count>. */
import { openEndpoint } from '../models/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';

/** Text questions, no two of them alike. */
function questions(count: number): PerturbedSample[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `q${i}`,
    taskKind: 'text_heavy',
    split: 'test',
    question: `What is ${i} + ${i % 7}?`,
    options: [`${i + (i % 7)}`, `${i + 11}`, `${i + 12}`, `${i + 13}`],
    answer: 0,
    context: null,
    image: null,
    source: `q${i}`,
    perturbation: 'origin',
    variant: '',
    hinted: null,
  }));
}

const [folder = '', state = '', count = '0'] = process.argv.slice(2);
const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
const endpoint = await openEndpoint(folder, state);
try {
  const { predictions, use } = await endpoint.answer(questions(Number(count)), {
    run: 'bench',
    signal: stop.signal,
  });
  process.stdout.write(`${JSON.stringify({ answered: predictions.filter(Boolean).length, use })}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await endpoint.close();
}
