import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attribute, int64, loadGraph, type Node, saveGraph } from '../../engine/index.ts';
import { gridOf, packedRows } from '../../models/hf/families/packing.ts';
import { type AnswerModel, openAnswerModel, verifyFolder } from '../../models/index.ts';
import { fixture, questions } from './hf-samples.ts';

const samples = questions(5);
const opened: AnswerModel[] = [];
let parent: string;
let folder: string;
let newline: number[];

/** The fixture, its vision encoder without the line's end, which stands in config.json instead (or is nowhere). */
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'llava-next-'));
  folder = join(parent, 'line in config');
  await cp(fixture('llava_next'), folder, { recursive: true });
  const path = join(folder, 'onnx/vision_encoder.onnx');
  const graph = await loadGraph(path);
  const { image_newline } = JSON.parse(await readFile(join(folder, 'reference.index.json'), 'utf8'));
  const bytes = await readFile(join(folder, 'reference.bin'));
  const length = image_newline.nbytes / 4;
  newline = Array.from({ length }, (_, i) => bytes.readFloatLE(image_newline.offset + 4 * i));
  graph.outputs = graph.outputs.filter(({ name }) => name !== 'image_newline');
  graph.nodes = graph.nodes.filter(({ outputs }) => !outputs.includes('image_newline'));
  await saveGraph(graph, path);
});
afterAll(async () => {
  await Promise.all(opened.map((model) => model.close()));
  await rm(parent, { recursive: true });
});

async function open(path: string): Promise<AnswerModel> {
  const model = await openAnswerModel(path, { threads: 1 });
  opened.push(model);
  return model;
}

async function configure(key: string, value: unknown, file = 'config.json'): Promise<void> {
  const json = JSON.parse(await readFile(join(fixture('llava_next'), file), 'utf8'));
  await writeFile(join(folder, file), JSON.stringify({ ...json, [key]: value }));
}

describe('a folder of LLaVA-NeXT', () => {
  it("may have the line's end in config.json", async () => {
    await configure('image_newline', newline);
    const [own, exact] = await Promise.all([open(folder), open(fixture('llava_next'))]);
    expect(await own.predict(samples)).toEqual(await exact.predict(samples));
    const { checks, ok } = await verifyFolder(folder);
    expect(checks.map(({ name }) => name)).toContain('grad.image_features');
    expect(ok).toBe(true);
  });

  it('may have an encoder that packs by itself, and takes tiles behind an axis of pictures', async () => {
    const packing = join(parent, 'packing');
    await cp(fixture('llava_next'), packing, { recursive: true });
    const path = join(packing, 'onnx/vision_encoder.onnx');
    const graph = await loadGraph(path);
    const { image_grid_pinpoints } = JSON.parse(await readFile(join(packing, 'config.json'), 'utf8'));
    // The size of the pictures that the questions are about.
    const [height, width] = [48, 40];
    const { columns, rows } = gridOf({ height, width }, image_grid_pinpoints, 16);
    const kept = packedRows([rows, columns, height, width], 4);
    for (const node of graph.nodes)
      node.inputs = node.inputs.map((name) => (name === 'pixel_values' ? 'tiles' : name));
    const constants = { shape: [-1, 3, 16, 16], rows: [-1, 24], kept };
    for (const [name, values] of Object.entries(constants))
      graph.initializers.set(name, int64([values.length], values));
    const node = (opType: string, inputs: string[], output: string, attributes = {}) =>
      ({ name: output, opType, domain: '', inputs, outputs: [output], attributes }) satisfies Node;
    const axis = { axis: attribute('axis', 0) };
    graph.nodes.unshift(node('Reshape', ['pixel_values', 'shape'], 'tiles'));
    graph.nodes.push(
      node('Reshape', ['image_features', 'rows'], 'places'),
      node('Reshape', ['image_newline', 'rows'], 'line'),
      node('Concat', ['places', 'line'], 'all', axis),
      node('Gather', ['all', 'kept'], 'packed', axis),
    );
    graph.inputs = [{ name: 'pixel_values', dtype: 'float32', dims: ['pictures', 'count', 3, 16, 16] }];
    graph.outputs = [{ name: 'packed', dtype: 'float32', dims: [kept.length, 24] }];
    await saveGraph(graph, path);
    const [own, exact] = await Promise.all([open(packing), open(fixture('llava_next'))]);
    expect(await own.predict(samples)).toEqual(await exact.predict(samples));
  });

  it("is refused without a line's end", async () => {
    await configure('image_newline', undefined);
    await expect((await open(folder)).predict(samples)).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/expected are 16 features of 24 numbers a tile, and image_newline/),
    });
  });

  it('is refused where tiles do not fill a resolution', async () => {
    await configure('image_grid_pinpoints', [[16, 30]], 'preprocessor_config.json');
    await expect(openAnswerModel(folder)).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/preprocessor_config\.json: .*must be multiples of size/),
    });
  });
});
