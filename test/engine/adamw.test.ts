import { describe, expect, it } from 'vitest';
import {
  AdamW,
  addInto,
  clipScale,
  cosineSchedule,
  float32,
  gradientNorm,
  Parameters,
  scatterRows,
  type Tensor,
} from '../../engine/index.ts';
import { Random } from '../../random/index.ts';
import peer from '../fixtures/adamw.json' with { type: 'json' };

type Named = Record<string, number[]>;

function tensors(values: Named): Record<string, Tensor> {
  const shapes: Named = peer.shapes;
  return Object.fromEntries(
    Object.entries(values).map(([name, data]) => [
      name,
      { dtype: 'float32', dims: shapes[name] as number[], data: Float32Array.from(data) },
    ]),
  );
}

function close(found: ArrayLike<number>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs((found[i] as number) - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
  }
}

function moment(adam: AdamW, name: string): Float32Array {
  return adam.state().get(name)?.data as Float32Array;
}

function optimizer(): AdamW {
  const [b1, b2] = peer.betas as [number, number];
  return new AdamW({ betas: [b1, b2], eps: peer.eps, weightDecay: peer.weightDecay });
}

function train(adam: AdamW, parameters: Parameters, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const gradients = tensors(peer.gradients[i] as Named);
    const norm = gradientNorm(gradients);
    const expected = peer.norms[i] as number;
    expect(Math.abs(norm - expected)).toBeLessThan(1e-6 * expected);
    adam.step(parameters, gradients, {
      learningRate: peer.rates[i] as number,
      scale: clipScale(norm, peer.clip),
    });
  }
}

describe('AdamW', () => {
  it('updates weights and moments as PyTorch does, clipping included', () => {
    const parameters = new Parameters(Object.entries(tensors(peer.start)));
    const adam = optimizer();
    train(adam, parameters, 0, 5);
    for (const name of ['table', 'bias'] as const) {
      close(parameters.get(name).data, peer.end[name]);
      close(moment(adam, `m.${name}`), peer.m[name]);
      close(moment(adam, `v.${name}`), peer.v[name]);
    }
  });

  it('continues from a stored state to the same bytes', () => {
    const whole = new Parameters(Object.entries(tensors(peer.start)));
    train(optimizer(), whole, 0, 5);
    let parts = new Parameters(Object.entries(tensors(peer.start)));
    const first = optimizer();
    train(first, parts, 0, 2);
    // As read from a file: a Buffer.
    parts = Parameters.fromBytes(Buffer.from(parts.toBytes()), 'weights');
    const second = optimizer();
    second.restore(first.state(), first.steps);
    train(second, parts, 2, 5);
    expect(Buffer.from(parts.toBytes()).equals(Buffer.from(whole.toBytes()))).toBe(true);
  });

  it('leaves parameters without a gradient alone and refuses one of another size', () => {
    const parameters = new Parameters(Object.entries(tensors(peer.start)));
    const { bias, table } = tensors(peer.gradients[0] as Named);
    optimizer().step(parameters, { table: table as Tensor }, { learningRate: 0.1 });
    close(parameters.get('bias').data, [...Float32Array.from(peer.start.bias)]);
    expect(() => optimizer().step(parameters, { table: bias as Tensor }, { learningRate: 0.1 })).toThrow(
      "the gradient of 'table' has 5 numbers, the parameter 12",
    );
  });
});

describe('scatterRows', () => {
  it('adds the rows of repeated ids and passes padding over', () => {
    const table = new Float32Array(8);
    scatterRows(table, [2, 0, -1, 2], Float32Array.from([1, 2, 3, 4, 9, 9, 10, 20]), 2);
    expect([...table]).toEqual([3, 4, 0, 0, 11, 22, 0, 0]);
    expect(() => scatterRows(table, [4], new Float32Array(2), 2)).toThrow(
      'row 0 names entry 4 of a table of 4',
    );
  });
});

describe('long arrays', () => {
  const random = new Random(7, 'arrays');
  // Longer than a block, and no multiple of a vector.
  const draw = () => Float32Array.from({ length: 9_001 }, () => random.normal());

  it('are updated element by element as by the formula', () => {
    const [weights, gradient] = [draw(), draw()];
    const parameters = new Parameters([['w', float32([weights.length], weights)]]);
    const adam = new AdamW({ betas: [0.9, 0.99], eps: 1e-6 });
    const gradients = { w: float32([gradient.length], gradient) };
    adam.step(parameters, gradients, { learningRate: 0.1, scale: 0.5 });
    adam.step(parameters, gradients, { learningRate: 0.1, scale: 0.5 });
    const expected = weights.map((w, i) => {
      const g = 0.5 * gradient[i]!;
      // With the same gradient twice the corrected moments are the gradient and its square.
      return w - (2 * 0.1 * g) / (Math.abs(g) + 1e-6);
    });
    const found = parameters.get('w').data;
    expect(Math.max(...found.map((w, i) => Math.abs(w - expected[i]!)))).toBeLessThan(3e-6);
  });

  it('have the norm of their squares, and are added up', () => {
    const [a, b] = [draw(), draw()];
    const gradients = { a: float32([a.length], a), b: float32([b.length], b) };
    const squares = [...a, ...b].reduce((sum, x) => sum + x * x, 0);
    expect(gradientNorm(gradients)).toBeCloseTo(Math.sqrt(squares), 9);
    const sum = a.slice();
    addInto(sum, b);
    expect(sum).toEqual(a.map((x, i) => x + b[i]!));
  });
});

describe('clipScale', () => {
  it('brings a norm to the bound, and leaves small ones and those that are no number alone', () => {
    expect([clipScale(4, 1), clipScale(0.5, 1), clipScale(Number.NaN, 1e-9)]).toEqual([0.25, 1, 1]);
    const gradients = tensors(peer.gradients[0] as Named);
    (gradients.bias?.data as Float32Array)[1] = Number.NaN;
    expect(gradientNorm(gradients)).toBeNaN();
  });
});

describe('cosineSchedule', () => {
  it('warms up in a line, peaks at the base and ends near the floor', () => {
    const rate = cosineSchedule({ base: 2, warmup: 4, total: 104, floor: 0.05 });
    expect([0, 1, 3, 4].map(rate)).toEqual([0.5, 1, 2, 2]);
    expect(rate(54)).toBeCloseTo(2 * (0.05 + 0.95 / 2), 12);
    expect(rate(104)).toBeCloseTo(0.1, 12);
    expect(rate(1000)).toBeCloseTo(0.1, 12);
  });
});
