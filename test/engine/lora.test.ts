import { describe, expect, it } from 'vitest';
import {
  applyLora,
  compile,
  dropoutInput,
  float32,
  type Graph,
  GraphBuilder,
  type LinearModule,
  type LoraOptions,
  loadGraph,
  loraModules,
  mergeLora,
  newAdapters,
  Parameters,
  type Tensor,
} from '../../engine/index.ts';
import { randomTensor, spread } from './gradient-check.ts';
import { llavaFile, relativeError } from './reference.ts';

const options: LoraOptions = { rank: 2, alpha: 6, seed: 3 };

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
/** A linear layer whose weight `node` reads. */
function moduleAt(graph: Graph, path: string, at: number, transposed = false): LinearModule {
  const { inputs, outputs } = graph.nodes.filter(({ opType }) => /MatMul|Gemm/.test(opType))[at]!;
  const [input, weight] = inputs as [string, string];
  const output = outputs[0]!;
  const [rows, columns] = graph.initializers.get(weight)!.dims as [number, number];
  const [inFeatures, outFeatures] = transposed ? [columns, rows] : [rows, columns];
  const place = { output, operand: 1, initializer: weight, dims: [rows, columns], turned: false };
  return { path, kind: 'linear', weight, place, transposed, input, output, inFeatures, outFeatures };
}

const modules = () => [moduleAt(layers(), 'first', 0), moduleAt(layers(), 'second', 1, true)];

async function program(graph: Graph, wrt: string[], feeds: Record<string, Tensor> = {}) {
  return compile({
    graph,
    feeds: { x, cotangent, ...feeds },
    wrt,
    outputs: ['y'],
    fed: wrt,
    loss: (l) => l.dotCotangent(l.value('y'), l.input('cotangent')),
  });
}

/** Adapters that change something. */
function moved(adapters: ReadonlyMap<string, Tensor>): Parameters {
  return new Parameters(
    [...adapters].map(([name, { dims }]) => [name, spread(dims, { high: 0.5, seed: name.length })]),
  );
}

describe('LoRA', () => {
  it('changes nothing at the start, and is drawn from the seed', async () => {
    const adapters = newAdapters(modules(), options);
    expect([...adapters.keys()]).toEqual(['first.lora_A', 'first.lora_B', 'second.lora_A', 'second.lora_B']);
    const adapted = applyLora(layers(), modules(), adapters, options);
    const plain = await (await program(layers(), ['first.weight'])).run(
      { x, cotangent },
      Parameters.fromGraph(layers(), ['first.weight']),
    );
    const trained = new Parameters(adapters);
    const started = await (await program(adapted, trained.names)).run({ x, cotangent }, trained);
    expect(relativeError(started.y!, plain.y!)).toBeLessThan(1e-6);
    expect(newAdapters(modules(), options)).toEqual(adapters);
    const other = newAdapters(modules(), { ...options, seed: 4 });
    expect(other.get('first.lora_A')).not.toEqual(adapters.get('first.lora_A'));
  });

  it.each([false, true])(
    'has the gradients of finite differences, and merges into the weights (rank stabilised: %s)',
    async (rankStabilised) => {
      const with_ = { ...options, rankStabilised };
      const trained = moved(newAdapters(modules(), with_));
      const compiled = await program(applyLora(layers(), modules(), trained, with_), trained.names);
      const result = await compiled.run({ x, cotangent }, trained);
      await expectGradients(compiled, trained, { x, cotangent }, result);
      const merged = mergeLora(layers(), modules(), trained, with_);
      const plain = await (await program(merged, ['first.weight'])).run(
        { x, cotangent },
        Parameters.fromGraph(merged, ['first.weight']),
      );
      expect(relativeError(plain.y!, result.y!)).toBeLessThan(1e-5);
    },
  );

  it('drops what a mask that is fed says, in the output and in the gradients', async () => {
    const with_ = { ...options, dropout: 0.5 };
    const trained = moved(newAdapters(modules(), with_));
    const graph = applyLora(layers(), modules(), trained, with_);
    const mask = (width: number, seed: number): Tensor => {
      const kept = randomTensor([2, 2, width], seed);
      return { ...kept, data: (kept.data as Float32Array).map((value) => (value > 0 ? 2 : 0)) };
    };
    const feeds = {
      x,
      cotangent,
      [dropoutInput('first')]: mask(3, 7),
      [dropoutInput('second')]: mask(4, 8),
    };
    const compiled = await program(graph, trained.names, feeds);
    const result = await compiled.run(feeds, trained);
    await expectGradients(compiled, trained, feeds, result);
    const none = { ...feeds, [dropoutInput('first')]: float32([2, 2, 3], new Array(12).fill(0)) };
    const without = await compiled.run(none, trained);
    // Nothing reaches the first adapter: it has no gradient, and the output is that of the second alone.
    expect([...without['grad.first.lora_B']!.data].every((value) => Number(value) === 0)).toBe(true);
    expect(relativeError(without.y!, result.y!)).toBeGreaterThan(1e-3);
  });

  it('adds into a weight of its own where another layer reads the same tensor', () => {
    const b = new GraphBuilder('tied');
    const input = b.input('x', 'float32', ['rows', 3]);
    const weight = b.initializer('one.weight', spread([3, 3]));
    const first = b.op('MatMul', [input, weight]);
    b.output('y', b.op('MatMul', [first, weight]));
    const tied = b.build();
    const module = moduleAt(tied, 'one', 0);
    const adapters = moved(newAdapters([module], options));
    const merged = mergeLora(tied, [module], adapters, options);
    expect(merged.initializers.get('one.weight')).toEqual(tied.initializers.get('one.weight'));
    expect(merged.nodes.map((node) => node.inputs[1])).toContain('one.merged');
    expect(tied.initializers.has('one.merged')).toBe(false);
  });

  it('says which layers there are where none matches, and which adapter is absent', async () => {
    const decoder = await loadGraph(llavaFile('onnx/decoder_model_merged.onnx'));
    expect(() => loraModules(decoder, /query/)).toThrow(
      /targets \/query\/; .* model\.layers\.0\.self_attn\.q_proj, /,
    );
    expect(() => loraModules(new GraphBuilder('nothing').graph, /./)).toThrow(/nothing: .* no linear layer/);
    expect(() => mergeLora(layers(), modules(), new Map(), options)).toThrow(
      "layers: the adapter tensor 'first.lora_A' is absent",
    );
  });
});

async function expectGradients(
  compiled: Awaited<ReturnType<typeof program>>,
  trained: Parameters,
  feeds: Record<string, Tensor>,
  result: Record<string, Tensor>,
): Promise<void> {
  for (const name of trained.names) {
    const gradient = result[`grad.${name}`]!;
    for (let i = 0; i < gradient.data.length; i++) {
      const at = async (by: number) => {
        const changed = trained.clone();
        changed.get(name).data[i]! += by;
        return Number((await compiled.run(feeds, changed)).loss!.data[0]);
      };
      const numeric = ((await at(1e-2)) - (await at(-1e-2))) / 2e-2;
      expect(Math.abs(numeric - Number(gradient.data[i])), `${name}[${i}]`).toBeLessThan(
        5e-3 * Math.max(1, Math.abs(numeric)),
      );
    }
  }
}
