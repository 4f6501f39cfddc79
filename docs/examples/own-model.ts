// Holds a model of your own to a gate file; here one that always takes the first option: node own-model.js gates.yaml
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
  const rules = await readGates(process.argv[2] ?? 'gates.yaml');
  const samples = (await readBenchmark(embedded.benchmark)).slice(0, 50);
  const { verdict } = judge(await diagnose(first, samples, { skip: ['ui_screenshot'] }), rules);
  console.log(`verdict: ${verdict}`);
} catch (error) {
  if (!(error instanceof GuardError) || error.code !== ErrorCode.BadConfig) throw error;
  console.log(`the gate file is wrong: ${error.message}`);
  process.exitCode = 2;
}
