import { halfBillion } from '../large-decoder.ts';
import { type Comparison, measured, note } from '../measure.ts';
import { ourSide } from '../side.ts';
import { withFile } from '../step-comparison.ts';

const defaultSteps = 500;

/** No peer: held against bounds. */
export const largeSession: Comparison = {
  name: 'large-session',
  what: '24 layers of a 0.5 B model: load, add adapters, compile, open the session; then LoRA steps of 16 tokens',
  run: (run) =>
    withFile('decoder.onnx', async (path) => {
      const writer = ourSide('large.js', ['write', path, JSON.stringify(halfBillion)]);
      const bytes = Number((await writer.next()).bytes);
      await writer.close();
      const steps = run.rounds ?? defaultSteps;
      const side = ourSide('large.js', ['train', path, `${run.threads}`, `${steps}`]);
      try {
        const built = await side.next();
        const after = await side.next();
        note(
          `${(bytes / 1e9).toFixed(2)} GB of weights; ${steps} steps of ${Number(after.stepSeconds).toFixed(2)} s each,`,
        );
        note(`loss ${after.first} at first, ${after.last} at last`);
        const figure = (name: string, ours: number, goal: number, unit: string) =>
          measured({ name: `large-session-${name}`, ours, peer: null, goal, unit }, run);
        return [
          figure('build', Number(built.seconds), 20, 's'),
          figure('build-memory', Number(built.memory) / bytes, 3, 'x weights'),
          figure('train-memory', Number(after.memory) / bytes, 3, 'x weights'),
          figure('growth', Number(after.growth) / 1e6, 50, 'MB'),
        ];
      } finally {
        await side.close();
      }
    }),
};
