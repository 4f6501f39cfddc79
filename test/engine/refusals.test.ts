import { describe, expect, it } from 'vitest';
import { compile, float32, GraphBuilder, int64, type Tensor, type Value } from '../../engine/index.ts';

type Make = (b: GraphBuilder, x: Value) => Value;

/** The message with which a gradient by `x` of a graph of one node named `node/odd` is refused. */
async function refusal(make: Make, feeds: Record<string, Tensor> = {}, opset = 18): Promise<string> {
  const b = new GraphBuilder('folder/model.onnx', { opset });
  b.output('y', make(b, b.input('x', 'float32', [4, 4])));
  const graph = b.build();
  const given = { x: float32([4, 4], new Float32Array(16).fill(0.5)), ...feeds };
  const program = compile({
    graph,
    feeds: given,
    wrt: ['x'],
    loss: (l) => l.dotCotangent(l.value('y'), l.value('y')),
  });
  const error = await program.then(
    () => new Error('it was compiled'),
    (cause: Error & { code?: string }) => cause,
  );
  expect(error).toMatchObject({ code: 'BAD_MODEL' });
  return error.message;
}

const odd = { name: 'odd' };

/** A node of control flow; its body does not matter. */
function flow(opType: string): Make {
  return (b, x) => {
    const y = b.op(opType, [x], {}, odd);
    b.graph.nodes.at(-1)!.attributes.body = { type: 'graph', value: {} };
    return y;
  };
}

describe('a refusal names file, node, operation and domain, and says what to do', () => {
  it.each([
    ['If', /one branch alone.*past keys and values/],
    ['Loop', /loop unrolled/],
    ['Scan', /loop unrolled/],
    ['SequenceMap', /loop unrolled/],
    ['FlexAttention', /export the model without it/],
  ])('%s', async (opType, advice) => {
    const message = await refusal(flow(opType));
    const place = `folder/model.onnx: node 'node/odd' (${opType}, domain 'ai.onnx') is control flow`;
    expect(message).toContain(place);
    expect(message).toMatch(advice);
  });

  const cases: [string, string, Make, RegExp, Record<string, Tensor>?][] = [
    ['an operation that has no rule', 'ai.onnx', (b, x) => b.op('Det', [x], {}, odd), /written out/],
    [
      'training mode',
      'ai.onnx',
      (b, x) => b.op('Dropout', [x, b.constant(0.5), b.constant(truth(1))], {}, odd),
      /for inference/,
    ],
    [
      'a lookup by changing indices',
      'ai.onnx',
      (b, x) => b.op('Gather', [x, b.input('ids', 'int64', [2])], {}, odd),
      /give the gathered rows as an input/,
      { ids: int64([2], [0, 0]) },
    ],
    [
      'a scatter that adds at changing indices',
      'ai.onnx',
      (b, x) =>
        b.op('ScatterND', [x, b.input('ids', 'int64', [2, 1]), rowsOf(b, x)], { reduction: 'add' }, odd),
      /races between threads/,
      { ids: int64([2, 1], [0, 0]) },
    ],
    [
      'a scatter that multiplies',
      'ai.onnx',
      (b, x) =>
        b.op('ScatterND', [x, b.constant(int64([2, 1], [0, 1])), rowsOf(b, x)], { reduction: 'mul' }, odd),
      /reduction 'mul' has no rule/,
    ],
    [
      'a resize that keeps proportions',
      'ai.onnx',
      (b, x) =>
        b.op('Resize', [x, null, null, b.constant([7, 8])], { keep_aspect_ratio_policy: 'not_larger' }, odd),
      /export the sizes themselves/,
    ],
    [
      'a mixture of experts',
      'com.microsoft',
      (b, x) => {
        const weights = (seed: number) => b.constant(float32([2, 4, 4], new Float32Array(32).fill(seed)));
        const router = b.op('MatMul', [x, b.constant(float32([4, 2], [1, 0, 0, 1, 1, 0, 0, 1]))]);
        const inputs = [x, router, weights(0.1), null, weights(0.2)];
        return b.op('MoE', inputs, { k: 1, activation_type: 'relu' }, { ...odd, domain: 'com.microsoft' });
      },
      /train or attack a dense model/,
    ],
  ];
  it.each(cases)('%s', async (_, domain, make, advice, feeds) => {
    const message = await refusal(make, feeds);
    expect(message).toMatch(
      /^folder\/model\.onnx: node 'node\/odd' \(\w+, domain '[\w.]+'\) cannot be differentiated/,
    );
    expect(message).toContain(`domain '${domain}'`);
    expect(message).toMatch(advice);
  });

  it('of an old file asks for a newer export', async () => {
    expect(await refusal((b, x) => b.op('Exp', [x], {}, odd), {}, 11)).toMatch(
      /folder\/model\.onnx: uses opset 11; opset 13 or later is needed, export the model again/,
    );
  });

  it('of a second result names it', async () => {
    const message = await refusal((b, x) => {
      const [normal, mean] = b.ops(
        'LayerNormalization',
        [x, b.constant(float32([4], [1, 1, 1, 1]))],
        2,
        {},
        odd,
      );
      return b.op('Add', [normal!, mean!]);
    });
    expect(message).toContain('the loss reads its output 1, and only the first one has a rule');
  });
});

const truth = (value: number): Tensor => ({ dtype: 'bool', dims: [], data: Uint8Array.of(value) });

function rowsOf(b: GraphBuilder, x: Value): Value {
  return b.op('Slice', [x, b.constant([0]), b.constant([2]), b.constant([0])]);
}
