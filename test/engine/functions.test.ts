import { describe, expect, it } from 'vitest';
import {
  compile,
  decodeGraph,
  encodeGraph,
  float32,
  GraphBuilder,
  type Tensor,
  toNumbers,
} from '../../engine/index.ts';

const LOCAL = { domain: 'local' };
const standard = [{ domain: '', version: 17 }];

/** y = scaled(x w) by a function that calls another one, whose factor is the call's or its own default. */
function withFunctions(version = 17) {
  const b = new GraphBuilder('functions', { domains: { local: 1 } });
  const weight = b.initializer('weight', float32([3, 2], [1, 2, 3, 4, 5, 6]));
  const product = b.op('Product', [b.input('x', 'float32', [1, 3]), weight], { by: 1.5 }, LOCAL);
  b.output('y', b.op('Scaled', [product], {}, LOCAL), 'float32', [1, 2]);
  const factor = { name: 'value_float', type: 1, refAttrName: 'by' };
  b.graph.functions = [
    {
      name: 'Product',
      domain: 'local',
      input: ['a', 'b'],
      output: ['c'],
      node: [
        { opType: 'MatMul', input: ['a', 'b'], output: ['t'] },
        {
          opType: 'Scaled',
          domain: 'local',
          input: ['t'],
          output: ['c'],
          attribute: [{ name: 'by', type: 1, refAttrName: 'by' }],
        },
      ],
      opsetImport: [...standard, { domain: 'local', version: 1 }],
    },
    {
      name: 'Scaled',
      domain: 'local',
      input: ['t'],
      output: ['c'],
      attributeProto: [{ name: 'by', type: 1, f: 2 }],
      node: [
        { opType: 'Constant', input: [], output: ['f'], attribute: [factor] },
        { opType: 'Mul', input: ['t', 'f'], output: ['c'] },
      ],
      opsetImport: [{ domain: '', version }],
    },
  ].map((each) => ({ ...each, opsetImport: each.opsetImport as never }));
  return decodeGraph(encodeGraph(b.build()), 'functions');
}

describe('functions that a file defines', () => {
  it('are written out, one within another and with their attributes, so that gradients pass', async () => {
    const graph = withFunctions();
    expect(graph.functions).toEqual([]);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual([
      'MatMul',
      'Constant',
      'Mul',
      'Constant',
      'Mul',
      'Identity',
    ]);
    const feeds = { x: float32([1, 3], [1, 2, 3]), ones: float32([1, 2], [1, 1]) };
    const program = await compile({
      graph,
      feeds,
      loss: (l) => l.dotCotangent(l.value('y'), l.input('ones')),
      outputs: ['y'],
      wrt: ['weight'],
    });
    const values = await program.run(feeds, graph.initializers);
    await program.release();
    expect(toNumbers(values.y as Tensor)).toEqual([66, 84]);
    expect(toNumbers(values['grad.weight'] as Tensor)).toEqual([3, 3, 6, 6, 9, 9]);
  });

  it('stay calls where they are written for another operator set', () => {
    const graph = withFunctions(18);
    expect(graph.functions.map((each) => each.name)).toEqual(['Scaled']);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['MatMul', 'Scaled', 'Scaled', 'Identity']);
  });
});
