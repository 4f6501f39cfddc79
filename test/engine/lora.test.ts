import { describe, expect, it } from 'vitest';
import {
  applyLora,
  compile,
  float32,
  type Graph,
  GraphBuilder,
  loraParameters,
  mergeLora,
  Parameters,
} from '../../engine/index.ts';
import { randomTensor, spread } from './gradient-check.ts';
import { relativeError } from './reference.ts';

const options = { targets: /weight$/, rank: 2, alpha: 6, seed: 3 };

function layers(): Graph {
  const b = new GraphBuilder('layers');
  const x = b.input('x', 'float32', ['batch', 'length', 3]);
  const hidden = b.op('Tanh', [b.op('MatMul', [x, b.initializer('first.weight', spread([3, 4]))])]);
  const flat = b.op('Reshape', [hidden, b.constant([-1, 4])]);
  const y = b.op(
    'Gemm',
    [flat, b.initializer('second.weight', spread([2, 4], { seed: 4 })), b.constant(float32([2], [1, 2]))],
    { transB: 1 },
  );
  b.output('y', y);
  return b.build();
}

const x = spread([2, 2, 3], { seed: 5 });
const cotangent = randomTensor([4, 2], 1);

async function program(graph: Graph, wrt: string[]) {
  return compile({
    graph,
    feeds: { x, cotangent },
    wrt,
    outputs: ['y'],
    fed: wrt,
    loss: (l) => l.dotCotangent(l.value('y'), l.input('cotangent')),
  });
}

describe('LoRA', () => {
  it('changes nothing at the start, and is drawn from the seed', async () => {
    const adapted = applyLora(layers(), options);
    const names = loraParameters(adapted);
    expect(names).toEqual([
      'first.weight.lora_A',
      'first.weight.lora_B',
      'second.weight.lora_A',
      'second.weight.lora_B',
    ]);
    const plain = await (await program(layers(), ['first.weight'])).run(
      { x, cotangent },
      Parameters.fromGraph(layers(), ['first.weight']),
    );
    const started = await (await program(adapted, names)).run(
      { x, cotangent },
      Parameters.fromGraph(adapted, names),
    );
    expect(relativeError(started.y!, plain.y!)).toBeLessThan(1e-6);
    expect(applyLora(layers(), options).initializers.get(names[0]!)).toEqual(
      adapted.initializers.get(names[0]!),
    );
    expect(applyLora(layers(), { ...options, seed: 4 }).initializers.get(names[0]!)).not.toEqual(
      adapted.initializers.get(names[0]!),
    );
  });

  it('has the gradients of finite differences, and merges into the weights', async () => {
    const adapted = applyLora(layers(), options);
    const names = loraParameters(adapted);
    const trained = Parameters.fromGraph(adapted, names);
    for (const name of names)
      trained.set(name, spread(trained.get(name).dims, { high: 0.5, seed: name.length }));
    const compiled = await program(adapted, names);
    const result = await compiled.run({ x, cotangent }, trained);
    for (const name of names) {
      const gradient = result[`grad.${name}`]!;
      for (let i = 0; i < gradient.data.length; i++) {
        const at = async (by: number) => {
          const moved = trained.clone();
          moved.get(name).data[i]! += by;
          return Number((await compiled.run({ x, cotangent }, moved)).loss!.data[0]);
        };
        const numeric = ((await at(1e-2)) - (await at(-1e-2))) / 2e-2;
        expect(Math.abs(numeric - Number(gradient.data[i])), `${name}[${i}]`).toBeLessThan(
          5e-3 * Math.max(1, Math.abs(numeric)),
        );
      }
    }
    const merged = mergeLora(layers(), trained, options);
    const plain = await (await program(merged, ['first.weight'])).run(
      { x, cotangent },
      Parameters.fromGraph(merged, ['first.weight']),
    );
    expect(relativeError(plain.y!, result.y!)).toBeLessThan(1e-5);
  });

  it('says which weights there are where none matches', () => {
    expect(() => applyLora(layers(), { ...options, targets: /q_proj/ })).toThrow(/q_proj.*first\.weight/);
  });
});
