// Puts one sample of your own under interventions, and asks the model about each: node perturb.js
import { embedded, openModel, perturb, perturbationsOf, readBenchmark, type Sample } from 'modality-guard';

const [photo] = (await readBenchmark(embedded.benchmark, 'test')).filter(({ image }) => image !== null);
const own: Sample = {
  id: 'mine-1',
  taskKind: 'image_heavy',
  split: 'test',
  question: 'what is in the picture ?',
  options: photo?.options ?? ['bag', 'coat'],
  answer: photo?.answer ?? null,
  context: null,
  image: photo?.image ?? null,
  source: 'mine-1',
};
console.log(`of ${own.taskKind} there are ${perturbationsOf(own.taskKind).join(', ')}`);

const model = await openModel(embedded.model, { threads: 1 });
try {
  const rows = await perturb([own], { perturbations: ['origin', 'misleading_text'], seed: 3, model });
  for (const { perturbation, predicted, probabilities } of await model.predict(rows))
    console.log(perturbation, predicted === null ? 'no answer' : own.options[predicted], probabilities);
} finally {
  await model.close();
}
