import { afterEach, describe, expect, it } from 'vitest';
import { exactNodes } from '../../engine/devices/exact.ts';
import {
  type CompileOptions,
  chooseDevice,
  compileGraph,
  float32,
  fromOrt,
  type Graph,
  GraphBuilder,
  int64,
  openSession,
  probeDevice,
  toOrt,
  webgpuFallbacks,
} from '../../engine/index.ts';

/** Attention scores of positions turned by their angles, and a loss: what a training holds that WebGPU lacks. */
function scores(opset: number): Graph {
  const b = new GraphBuilder('scores', { opset });
  const q = b.input('q', 'float32', [2, 2, 3, 4]);
  const k = b.input('k', 'float32', [2, 2, 5, 4]);
  const places = b.op('Cast', [b.input('places', 'int64', [1, 1, 3, 1])], { to: 1 });
  const turned = b.op('Mul', [q, b.op('Cos', [b.op('Mul', [places, b.constant(0.7)])])]);
  const product = b.op('MatMul', [turned, b.op('Transpose', [k], { perm: [0, 1, 3, 2] })]);
  const scaled = b.op('Mul', [product, b.constant(0.5)]);
  b.output('logits', b.op('Reshape', [b.op('Sum', [scaled, scaled, b.constant(1)]), b.constant([12, 5])]));
  return b.graph;
}

const feeds = {
  q: float32(
    [2, 2, 3, 4],
    Array.from({ length: 48 }, (_, i) => Math.sin(i)),
  ),
  k: float32(
    [2, 2, 5, 4],
    Array.from({ length: 80 }, (_, i) => Math.cos(i)),
  ),
  places: int64([1, 1, 3, 1], [0, 5, 40]),
  answers: int64([12], [0, 1, 2, 3, 4, -1, -2, 0, 1, 2, 3, 4]),
};

function optionsOf(graph: Graph): CompileOptions {
  return {
    graph,
    feeds,
    loss: (b) => b.crossEntropy(b.value('logits'), b.input('answers')),
    wrt: ['q', 'k'],
    outputs: ['logits'],
  };
}

async function runOnCpu(graph: Graph) {
  const session = await openSession(graph, { threads: 1 });
  const given = Object.entries(feeds).filter(([name]) => graph.inputs.some((input) => input.name === name));
  const results = await session.run(Object.fromEntries(given.map(([name, t]) => [name, toOrt(t)])));
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, fromOrt(t)]));
}

describe('graphs for WebGPU', () => {
  it.each([14, 18])('compute the same in operations that WebGPU has, opset %i', async (opset) => {
    const graph = scores(opset);
    const plain = await compileGraph(optionsOf(graph));
    const lowered = await compileGraph({ ...optionsOf(graph), device: 'webgpu' });
    expect(Object.fromEntries(webgpuFallbacks(plain))).toEqual({
      'com.microsoft.FusedMatMul': 3,
      LogSoftmax: 1,
      OneHot: 1,
      Sum: 1,
    });
    expect([...webgpuFallbacks(lowered)]).toEqual([]);
    const [wanted, found] = [await runOnCpu(plain), await runOnCpu(lowered)];
    expect(Object.keys(found)).toEqual(Object.keys(wanted));
    for (const [name, { data, dims }] of Object.entries(wanted)) {
      expect(found[name]!.dims, name).toEqual(dims);
      for (const [i, value] of (data as Float32Array).entries()) {
        expect(Math.abs(Number(found[name]!.data[i]) - value), `${name} ${i}`).toBeLessThan(1e-6);
      }
    }
  });

  it('leave the angles of positions to the processor, and nothing else', async () => {
    const lowered = await compileGraph({ ...optionsOf(scores(18)), device: 'webgpu' });
    expect(exactNodes(lowered).map(({ opType }) => opType)).toEqual(['Cast', 'Mul', 'Cos']);
  });
});

describe('the choice of a device', () => {
  const { VK_ICD_FILENAMES: before } = process.env;
  afterEach(() => {
    if (before === undefined) delete process.env.VK_ICD_FILENAMES;
    else process.env.VK_ICD_FILENAMES = before;
  });

  it('refuses what is not there, saying how to get it', async () => {
    process.env.VK_ICD_FILENAMES = '/nowhere/driver.json';
    await expect(chooseDevice('webgpu')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/'webgpu' does not compute here: .*libvulkan1.*--device auto/s),
    });
  });

  it('takes the processor where nothing else is there', async () => {
    process.env.VK_ICD_FILENAMES = '/nowhere/swiftshader.json';
    expect(await chooseDevice('cpu')).toBe('cpu');
    const cuda = await probeDevice('cuda');
    if (cuda.works) expect(await chooseDevice('auto')).toBe('cuda');
    else {
      expect(await chooseDevice('auto')).toBe('cpu');
      await expect(chooseDevice('cuda')).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringMatching(
          /'cuda' does not compute here: .*an NVIDIA GPU with a driver of version 580/s,
        ),
      });
    }
  });
});
