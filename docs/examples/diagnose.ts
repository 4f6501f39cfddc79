// Diagnoses the model that comes with the package, and judges it: node diagnose.js
import { diagnose, embedded, judge, openModel, readBenchmark } from 'modality-guard';

const samples = await readBenchmark(embedded.benchmark, 'test');
const model = await openModel(embedded.model, { threads: 1 });
try {
  const diagnosis = await diagnose(model, samples, { samplesPerCondition: 40 });
  for (const [condition, { accuracy, changeRate, n }] of Object.entries(diagnosis.figures))
    console.log(condition, { accuracy, changeRate, n });
  const { gates, verdict } = judge(diagnosis);
  for (const { name, reason } of gates) console.log(`${name}: ${reason}`);
  console.log(`verdict: ${verdict}`);
} finally {
  await model.close();
}
