import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  decodeGraph,
  encodeGraph,
  float32,
  GraphBuilder,
  int64,
  loadGraph,
  saveGraph,
} from '../../engine/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-onnx-'));
});

function sample() {
  const b = new GraphBuilder('sample');
  const x = b.input('x', 'float32', ['batch', 4]);
  const weight = b.initializer('weight', float32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
  const [left, right] = b.ops('Split', [x], 2, { axis: 1 });
  const joined = b.op('Concat', [right!, left!], { axis: 1 });
  const cut = b.op('Slice', [joined, b.constant([0]), b.constant([4]), b.constant([1])]);
  const y = b.op('FusedMatMul', [cut, weight], { alpha: 2 }, { domain: 'com.microsoft' });
  b.output('y', y, 'float32', ['batch', 2]);
  return b.build();
}

describe('ONNX files', () => {
  it('writes graphs that ONNX Runtime runs', async () => {
    const path = join(folder, 'sample.onnx');
    await saveGraph(sample(), path);
    const session = await InferenceSession.create(path);
    const x = new OrtTensor('float32', Float32Array.from([1, 0, 0, 2]), [1, 4]);
    const { y } = await session.run({ x });
    // [0, 2, 1, 0] times the weight, times alpha.
    expect(Array.from(y!.data as Float32Array)).toEqual([2 * (2 * 3 + 5), 2 * (2 * 4 + 6)]);
  });

  it('reads back what it wrote, byte for byte, and leaves no temporary file', async () => {
    const path = join(folder, 'again.onnx');
    await saveGraph(sample(), path);
    const bytes = await readFile(path);
    const graph = await loadGraph(path);
    expect(graph.inputs).toEqual([{ name: 'x', dtype: 'float32', dims: ['batch', 4] }]);
    expect(graph.initializers.get('weight')).toEqual(float32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
    expect(Buffer.from(encodeGraph(graph)).equals(Buffer.from(encodeGraph(sample())))).toBe(true);
    expect(bytes.equals(Buffer.from(encodeGraph(graph)))).toBe(true);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('puts nodes in order that a converter appended at the end', () => {
    const shuffled = sample();
    shuffled.nodes = [...shuffled.nodes].reverse();
    const again = decodeGraph(encodeGraph(shuffled), 'shuffled');
    expect(again.nodes.map((node) => node.name)).toEqual(sample().nodes.map((node) => node.name));
  });

  it('keeps 64-bit whole numbers exactly', () => {
    const b = new GraphBuilder('wide');
    const big = {
      dtype: 'int64' as const,
      dims: [2],
      data: BigInt64Array.from([9223372036854775807n, -(2n ** 60n)]),
    };
    b.output('y', b.op('Add', [b.initializer('big', big), b.constant(int64([1], [0]))]));
    const graph = decodeGraph(encodeGraph(b.build()), 'wide');
    expect(graph.initializers.get('big')).toEqual(big);
  });

  it('names a truncated or foreign file and says what to do', async () => {
    const bytes = encodeGraph(sample());
    for (const [name, content] of [
      ['truncated.onnx', bytes.subarray(0, bytes.length - 20)],
      ['cut.onnx', bytes.subarray(0, 40)],
      ['text.onnx', Buffer.from('version https://git-lfs.github.com/spec/v1\n')],
      ['empty.onnx', Buffer.alloc(0)],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, content);
      await expect(loadGraph(path)).rejects.toMatchObject({
        code: 'BAD_MODEL',
        message: expect.stringContaining(path),
      });
    }
    await expect(loadGraph(join(folder, 'absent.onnx'))).rejects.toMatchObject({ code: 'BAD_MODEL' });
  });

  it('reads tensors kept in a data file beside the model', async () => {
    const main = new URL('../fixtures/vlm/llava/onnx/decoder_model_merged.onnx', import.meta.url).pathname;
    const outside = new URL(
      '../fixtures/vlm/llava/variants/external/decoder_model_merged.onnx',
      import.meta.url,
    ).pathname;
    const [inside, external] = [await loadGraph(main), await loadGraph(outside)];
    expect(external.initializers.get('onnx::MatMul_611')).toEqual(
      inside.initializers.get('onnx::MatMul_611'),
    );
    const copy = join(folder, 'alone.onnx');
    await writeFile(copy, await readFile(outside));
    await expect(loadGraph(copy)).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining(copy),
    });
  });
});
