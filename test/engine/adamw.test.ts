import { describe, expect, it } from 'vitest';
import {
  AdamW,
  clipGradients,
  cosineSchedule,
  Parameters,
  scatterRows,
  type Tensor,
} from '../../engine/index.ts';
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
    const norm = clipGradients(gradients, peer.clip);
    const expected = peer.norms[i] as number;
    expect(Math.abs(norm - expected)).toBeLessThan(1e-6 * expected);
    adam.step(parameters, gradients, { learningRate: peer.rates[i] as number });
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

describe('clipGradients', () => {
  it('reports a norm that is no number and changes nothing', () => {
    const gradients = tensors(peer.gradients[0] as Named);
    (gradients.bias?.data as Float32Array)[1] = Number.NaN;
    const table = gradients.table as Tensor;
    const before = table.data.slice();
    expect(clipGradients(gradients, 1e-9)).toBeNaN();
    expect(table.data).toEqual(before);
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
