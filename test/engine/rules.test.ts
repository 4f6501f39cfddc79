import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { unpackCases } from '../../bench/conformance/cases.ts';
import { compile, decodeGraph, float32, GraphBuilder, int64 } from '../../engine/index.ts';
import { LOWERINGS } from '../../engine/ir/lower.ts';
import { NOT_DIFFERENTIABLE, RULES } from '../../engine/rules/table.ts';
import { elementwiseCases, productCases, reductionCases, shapeCases } from './gradient-cases.ts';
import { chainCases } from './gradient-chains.ts';
import { gradientErrors, spread } from './gradient-check.ts';
import { lookupCases, windowCases } from './gradient-windows.ts';

const families = {
  elementwise: elementwiseCases,
  shapes: shapeCases,
  reductions: reductionCases,
  products: productCases,
  windows: windowCases,
  lookups: lookupCases,
  chains: chainCases,
};
const rules = Object.keys(RULES).map(
  (name) => [name, vi.spyOn(RULES as Record<string, () => never>, name)] as const,
);
const lowerings = Object.keys(LOWERINGS).map(
  (name) => [name, vi.spyOn(LOWERINGS as Record<string, () => never>, name)] as const,
);

describe.each(Object.entries(families))('gradients against finite differences: %s', (_, cases) => {
  it.each(cases.map((test) => [test.name, test] as const))('%s', async (_name, test) => {
    for (const error of await gradientErrors(test)) expect(error).toBeLessThan(3e-3);
  });
});

/** Operations whose gradients conformance.test.ts compares. */
function operationsOfNodeTests(): Set<string> {
  const packed = readFileSync(new URL('../fixtures/onnx-nodes/cases.br', import.meta.url));
  const passed = unpackCases(packed).filter(({ outcome }) => outcome === 'passed');
  return new Set(
    passed.flatMap(({ name, model }) => decodeGraph(model, name).nodes.map((node) => node.opType)),
  );
}

describe('the table', () => {
  afterAll(() => void vi.restoreAllMocks());
  it('has no rule that these cases and the node tests of ONNX leave untried', () => {
    const elsewhere = operationsOfNodeTests();
    const untried = [...rules, ...lowerings].filter(([, spy]) => spy.mock.calls.length === 0);
    expect(untried.map(([name]) => name).filter((name) => !elsewhere.has(name))).toEqual([]);
  });
  it('has no operation both ways', () => {
    expect(Object.keys(RULES).filter((name) => NOT_DIFFERENTIABLE.has(name))).toEqual([]);
  });
});

describe('what cannot be differentiated', () => {
  const build = (make: (b: GraphBuilder) => void) => {
    const b = new GraphBuilder('folder/model.onnx');
    make(b);
    return b.build();
  };
  const lossOf = (
    graph: ReturnType<typeof build>,
    feeds: Parameters<typeof compile>[0]['feeds'],
    wrt = ['x'],
  ) => compile({ graph, feeds, wrt, loss: (l) => l.dotCotangent(l.value('y'), l.value('y')) });

  it('names node, operation, domain and file where a rule is missing', async () => {
    const graph = build((b) => {
      const x = b.input('x', 'float32', [3, 3]);
      b.output('y', b.op('Det', [x], {}, { name: 'choice' }));
    });
    await expect(lossOf(graph, { x: spread([3, 3]) })).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(
        /folder\/model\.onnx.*node\/choice.*Det.*ai\.onnx.*no gradient rule.*export the model with the operations/,
      ),
    });
  });

  it('says what to do instead of looking up a trained table by changing indices', async () => {
    const graph = build((b) => {
      const x = b.input('x', 'float32', [4, 2]);
      b.output('y', b.op('Gather', [x, b.input('ids', 'int64', [3])], { axis: 0 }));
    });
    await expect(lossOf(graph, { x: spread([4, 2]), ids: int64([3], [0, 3, 3]) })).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining('give the gathered rows as an input'),
    });
  });

  it('refuses a value that the loss does not depend on', async () => {
    const graph = build((b) => {
      const x = b.input('x', 'float32', [2]);
      const z = b.input('z', 'float32', [2]);
      b.output('y', b.op('Add', [x, b.op('Floor', [z])]));
    });
    await expect(lossOf(graph, { x: spread([2]), z: spread([2]) }, ['z'])).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining("does not depend on 'z'"),
    });
  });

  it('names absent feeds, absent values and wrong shapes', async () => {
    const graph = build((b) => {
      const x = b.input('x', 'float32', ['n']);
      b.output('y', b.op('Exp', [x]));
    });
    await expect(lossOf(graph, {})).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining("'x'"),
    });
    await expect(lossOf(graph, { x: spread([2]) }, ['w'])).rejects.toMatchObject({
      message: expect.stringContaining("'w'"),
    });
    const program = await lossOf(graph, { x: spread([2]) });
    await expect(program.run({ x: float32([3], [1, 2, 3]) })).rejects.toMatchObject({
      message: expect.stringContaining('[3]'),
    });
    await expect(program.run({})).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining("'x'"),
    });
  });
});
