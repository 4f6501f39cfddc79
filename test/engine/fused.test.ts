import { afterAll, describe, expect, it, vi } from 'vitest';
import { quantised } from '../../engine/lowering/quantised.ts';
import { FUSED } from '../../engine/lowering/table.ts';
import {
  groupQueryCases,
  multiHeadCases,
  normCases,
  projectingCases,
  rotaryCases,
  standardCases,
} from './fused-cases.ts';
import { forwardError, gradientErrors } from './gradient-check.ts';

const families = {
  GroupQueryAttention: groupQueryCases,
  'rotary embeddings': rotaryCases,
  norms: normCases,
  MultiHeadAttention: multiHeadCases,
  'Attention of com.microsoft': projectingCases,
  'Attention of the standard domain': standardCases,
};
// Those of quantised operations have cases of their own.
const names = Object.keys(FUSED).filter((name) => !(name in quantised));
const lowerings = names.map((name) => [name, vi.spyOn(FUSED as Record<string, () => never>, name)] as const);

describe.each(Object.entries(families))('fused operations in simple ones: %s', (_, cases) => {
  it.each(cases.map((test) => [test.name, test] as const))('%s', async (_name, test) => {
    expect(await forwardError(test)).toBeLessThan(2e-6);
    for (const error of await gradientErrors(test)) expect(error).toBeLessThan(3e-3);
  });
});

describe('the table', () => {
  afterAll(() => void vi.restoreAllMocks());
  it('has nothing that these cases leave untried', () => {
    expect(lowerings.filter(([, spy]) => spy.mock.calls.length === 0).map(([name]) => name)).toEqual([]);
  });
});
