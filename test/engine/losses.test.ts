import { describe, expect, it } from 'vitest';
import {
  compile,
  GraphBuilder,
  int64,
  type LossBuilder,
  type Tensor,
  type TypedValue,
} from '../../engine/index.ts';
import { spread } from './gradient-check.ts';

function identity() {
  const b = new GraphBuilder('logits');
  b.output('p', b.op('Mul', [b.input('x', 'float32', [4, 5]), b.constant(1.5)]));
  b.output('q', b.op('Tanh', [b.input('z', 'float32', [4, 5])]));
  return b.build();
}

const feeds = {
  x: spread([4, 5]),
  z: spread([4, 5], { seed: 2, high: 2.5 }),
  answers: int64([4], [0, 4, 2, 2]),
};

function softmaxRows(x: Tensor, map: (v: number) => number): number[][] {
  return Array.from({ length: 4 }, (_, r) => {
    const e = Array.from({ length: 5 }, (_, c) => Math.exp(map(Number(x.data[r * 5 + c]))));
    const total = e.reduce((a, b) => a + b);
    return e.map((v) => v / total);
  });
}
const divergence = (p: number[], q: number[]) => p.reduce((sum, v, i) => sum + v * Math.log(v / q[i]!), 0);
const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

const expected = (given: Record<string, Tensor>) => {
  const p = softmaxRows(given.x!, (v) => v * 1.5);
  const q = softmaxRows(given.z!, Math.tanh);
  const half = p.map((row, r) => row.map((v, c) => (v + q[r]![c]!) / 2));
  const entropy = p.map((row, r) => -Math.log(row[Number(given.answers!.data[r])]!));
  return {
    crossEntropy: mean(entropy),
    weighted: entropy[0]! * 0.25 + entropy[2]! * 2,
    kl: mean(p.map((row, r) => divergence(row, q[r]!))),
    js: mean(p.map((row, r) => (divergence(row, half[r]!) + divergence(q[r]!, half[r]!)) / 2)),
    mse: mean(p.map((row, r) => row.reduce((sum, v, c) => sum + (v - q[r]![c]!) ** 2, 0))),
    twoClasses: mean(
      p.map((row, r) => {
        const [a, b] = [row[1]! / (row[1]! + row[3]!), row[3]! / (row[1]! + row[3]!)];
        const [c, d] = [q[r]![1]! / (q[r]![1]! + q[r]![3]!), q[r]![3]! / (q[r]![1]! + q[r]![3]!)];
        return divergence([a, b], [c, d]);
      }),
    ),
    rows: mean([2, 3].map((r) => divergence(p[r]!, q[r - 2]!))),
  };
};

const build: Record<keyof ReturnType<typeof expected>, (b: LossBuilder) => TypedValue> = {
  crossEntropy: (b) => b.crossEntropy(b.value('p'), b.input('answers')),
  weighted: (b) => b.crossEntropy(b.value('p'), b.input('answers'), [0.25, 0, 2, 0]),
  kl: (b) => b.klDivergence(b.value('p'), b.value('q')),
  js: (b) => b.jsDivergence(b.value('p'), b.value('q')),
  mse: (b) => b.mseDistributions(b.value('p'), b.value('q')),
  twoClasses: (b) => b.klDivergence(b.classes(b.value('p'), [1, 3]), b.classes(b.value('q'), [1, 3])),
  rows: (b) => b.klDivergence(b.rows(b.value('p'), 2, 4), b.rows(b.value('q'), 0, 2)),
};

describe('losses', () => {
  it.each(Object.keys(build) as (keyof typeof build)[])(
    '%s has its value and its gradients',
    async (name) => {
      const wrt = ['crossEntropy', 'weighted'].includes(name) ? ['x'] : ['x', 'z'];
      const program = await compile({ graph: identity(), feeds, loss: build[name], wrt });
      const result = await program.run(feeds);
      expect(Number(result.loss!.data[0])).toBeCloseTo(expected(feeds)[name], 5);
      for (const input of wrt) {
        for (let i = 0; i < 20; i++) {
          const at = (by: number) => {
            const data = Float64Array.from(feeds[input as 'x'].data as Float32Array);
            data[i]! += by;
            return expected({ ...feeds, [input]: { dtype: 'float64', dims: [4, 5], data } })[name];
          };
          expect(Number(result[`grad.${input}`]!.data[i])).toBeCloseTo((at(1e-4) - at(-1e-4)) / 2e-4, 5);
        }
      }
    },
  );

  it('adds weighted, named parts, and stops gradients', async () => {
    const program = await compile({
      graph: identity(),
      feeds,
      wrt: ['x'],
      loss: (b) =>
        b.add(
          b.part('answer', b.crossEntropy(b.value('p'), b.input('answers'))),
          b.scale(b.part('consistency', b.klDivergence(b.stopGradient(b.value('p')), b.value('q'))), 0.5),
        ),
    });
    const result = await program.run(feeds);
    const { crossEntropy, kl } = expected(feeds);
    expect(Number(result['loss.answer']!.data[0])).toBeCloseTo(crossEntropy, 5);
    expect(Number(result['loss.consistency']!.data[0])).toBeCloseTo(kl, 5);
    expect(Number(result.loss!.data[0])).toBeCloseTo(crossEntropy + kl / 2, 5);
    const alone = await compile({ graph: identity(), feeds, wrt: ['x'], loss: build.crossEntropy });
    expect(result['grad.x']).toEqual((await alone.run(feeds))['grad.x']);
  });
});
