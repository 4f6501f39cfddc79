/**
 * Our side of the diagnosis comparison: node dist/bench/diagnosis.js <model folder> <samples> <threads> <batch>. Prints one JSON line
 * when ready, then for each line on stdin one: the model is opened anew, so that nothing is remembered, and answers all samples.
 */
import { createInterface } from 'node:readline';
import { openAnswerModel } from '../models/index.ts';
import { readSamples } from '../store/index.ts';
import { firstOptionLoss } from './diagnosis-case.ts';

async function main([folder, path, threads, batch]: readonly string[]): Promise<void> {
  const answer = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const samples = await readSamples(path!);
  answer({ ready: 1 });
  for await (const _ of createInterface({ input: process.stdin })) {
    const model = await openAnswerModel(folder!, { threads: Number(threads) });
    const begin = performance.now();
    const predictions = await model.predict(samples, { batchSize: Number(batch) });
    const seconds = (performance.now() - begin) / 1000;
    answer({ seconds, loss: firstOptionLoss(predictions.map(({ probabilities }) => probabilities)) });
    await model.close();
  }
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
