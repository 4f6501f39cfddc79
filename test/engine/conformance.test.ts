import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { type NodeCase, packCases, unpackCases } from '../../bench/conformance/cases.ts';
import { checkCase } from '../../bench/conformance/check.ts';
import { summary } from '../../bench/conformance/summary.ts';
import { RULES } from '../../engine/rules/table.ts';

const cases = unpackCases(readFileSync(new URL('../fixtures/onnx-nodes/cases.br', import.meta.url)));

/** By the operation in the case's name. */
const families = new Map<string, NodeCase[]>();
for (const test of cases) {
  const family = test.name.split('_')[1] as string;
  families.set(family, [...(families.get(family) ?? []), test]);
}

describe('node tests of ONNX', () => {
  it.each([...families])('%s: forward as stored, gradients as finite differences', async (_, family) => {
    for (const test of family) {
      const { outcome, reason } = await checkCase(test);
      expect({ name: test.name, outcome, reason: outcome === test.outcome ? undefined : reason }).toEqual({
        name: test.name,
        outcome: test.outcome,
        reason: undefined,
      });
    }
  });

  it('hold more than 750 cases whose gradients are compared', () => {
    expect(cases.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(750);
  });
});

describe('the check', () => {
  const tanh = cases.find(({ name }) => name === 'test_tanh') as NodeCase;

  it('fails where a rule is wrong', async () => {
    const spy = vi.spyOn(RULES as Record<string, unknown> as { Tanh: (typeof RULES)[string] }, 'Tanh');
    spy.mockImplementation(({ dy }) => [dy]);
    const verdict = await checkCase(tanh);
    spy.mockRestore();
    expect(verdict).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('gradients differ: x'),
    });
  });

  it('fails where the result is not the stored one', async () => {
    const stored = Buffer.from(tanh.tensors.get('output_0.pb')!);
    stored.writeFloatLE(0.5, stored.length - 4);
    const verdict = await checkCase({
      ...tanh,
      tensors: new Map([...tanh.tensors, ['output_0.pb', stored]]),
    });
    expect(verdict).toMatchObject({
      outcome: 'left out',
      reason: expect.stringMatching(/ONNX Runtime itself.*expected 0\.5/),
    });
  });

  it('leaves out what is no question for it, and says why', async () => {
    const without = await checkCase({ ...tanh, tensors: new Map() });
    expect(without).toMatchObject({ outcome: 'left out', reason: "'x' has no stored value" });
    const torn = await checkCase({ ...tanh, model: tanh.model.subarray(0, 20) });
    expect(torn).toMatchObject({
      outcome: 'left out',
      op: 'unread',
      reason: expect.stringContaining('test_tanh'),
    });
  });

  it('counts operations with a derivative', () => {
    const { operations, cases: counts } = summary([
      { name: 'a', op: 'Tanh', outcome: 'passed', error: 1e-4 },
      { name: 'b', op: 'Det', outcome: 'refused', reason: 'no rule' },
      { name: 'c', op: 'Floor', outcome: 'forward' },
      { name: 'd', op: 'Tanh', outcome: 'left out' },
      { name: 'e', op: 'tanh (expanded)', outcome: 'passed' },
    ]);
    expect(operations).toEqual({ all: 3, differentiable: 2, covered: 1, missing: ['Det'] });
    expect(counts).toMatchObject({ all: 5, passed: 2, refused: 1, forward: 1, 'left out': 1, failed: 0 });
  });

  it('packs and unpacks cases without a change', () => {
    const again = unpackCases(packCases([tanh]));
    expect(Buffer.from(again[0]!.model).equals(Buffer.from(tanh.model))).toBe(true);
    expect([...again[0]!.tensors.keys()]).toEqual([...tanh.tensors.keys()]);
  });
});
