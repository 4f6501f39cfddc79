// Holds a model of your own to a gate file; here one that always takes the first option: node own-model.js gate.yaml
import {
  type Answers,
  diagnose,
  ErrorCode,
  embedded,
  GuardError,
  judge,
  readBenchmark,
  readGates,
} from 'modality-guard';

const first: Answers = {
  async predict(samples) {
    return samples.map(({ answer, id, options, perturbation, taskKind }) => ({
      id,
      taskKind,
      perturbation,
      answer,
      predicted: 0,
      probabilities: options.map((_, i) => (i === 0 ? 1 : 0)),
    }));
  },
};

try {
  const rules = await readGates(process.argv[2] ?? 'gate.yaml');
  // Of each kind of task so many samples as the seed draws.
  const drawn = { samplesPerCondition: 40, seed: 7, skip: ['ui_screenshot'] };
  const { verdict } = judge(await diagnose(first, await readBenchmark(embedded.benchmark), drawn), rules);
  console.log(`verdict: ${verdict}`);
} catch (error) {
  if (!(error instanceof GuardError) || error.code !== ErrorCode.BadConfig) throw error;
  console.log(`the gate file is wrong: ${error.message}`);
  process.exitCode = 2;
}
