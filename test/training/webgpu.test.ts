import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdamW, DeviceAdamW, DeviceTensors, float32, loadGraph, Parameters } from '../../engine/index.ts';
import { openModel } from '../../models/index.ts';
import { trainingFallbacks, trainRobust } from '../../training/index.ts';
import { makeModel } from '../models/mini-model.ts';
import { findSoftwareVulkan } from '../support/vulkan.ts';
import { config, trainingRows } from './rows.ts';

const driver = findSoftwareVulkan();
const why = driver ? '' : ' (skipped: no software driver; apt-get install chromium libvulkan1)';
/** Building shaders for a processor takes its time. */
const timeout = 300_000;

let made: Awaited<ReturnType<typeof makeModel>>;
let scratch: string;
beforeAll(async () => {
  // Read when the first WebGPU session opens.
  if (driver) process.env.VK_ICD_FILENAMES = driver;
  made = await makeModel();
  scratch = await mkdtemp(join(tmpdir(), 'webgpu-'));
});
afterAll(async () => {
  await made.remove();
  await rm(scratch, { recursive: true, force: true });
});

/** The largest difference over the largest magnitude. */
function apart(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(found.length).toBe(wanted.length);
  let [difference, magnitude] = [0, 1e-30];
  for (let i = 0; i < wanted.length; i++) {
    difference = Math.max(difference, Math.abs((found[i] as number) - (wanted[i] as number)));
    magnitude = Math.max(magnitude, Math.abs(wanted[i] as number));
  }
  return difference / magnitude;
}

const rows = trainingRows(2);

async function trained(device: 'cpu' | 'webgpu', changes: Record<string, unknown>) {
  const folder = join(scratch, `${device}-${JSON.stringify(changes).length}`);
  const settings = config({ steps: 2, learningRate: 1e-3, adversarial: { steps: 1 }, ...changes });
  const task = { modelFolder: made.folder, rows, config: settings, device, outFolder: folder };
  const { losses } = await trainRobust(task);
  const files = ['decoder_model_merged', 'embed_tokens'].map((name) =>
    loadGraph(join(folder, `onnx/${name}.onnx`)),
  );
  return { folder, losses, graphs: await Promise.all(files) };
}

async function expectSameTraining(changes: Record<string, unknown>) {
  const [cpu, gpu] = [await trained('cpu', changes), await trained('webgpu', changes)];
  for (const [step, { total, gradientNorm, adversarial }] of cpu.losses.entries()) {
    const found = gpu.losses[step]!;
    expect(apart([found.total, found.adversarial], [total, adversarial])).toBeLessThan(1e-3);
    expect(apart([found.gradientNorm], [gradientNorm])).toBeLessThan(1e-3);
  }
  for (const [i, graph] of cpu.graphs.entries()) {
    for (const [name, { data, dtype }] of graph.initializers) {
      if (dtype !== 'float32') continue;
      const found = gpu.graphs[i]!.initializers.get(name)!.data as Float32Array;
      expect(apart(found, data as Float32Array), name).toBeLessThan(1e-3);
    }
  }
}

describe.skipIf(driver === null)(`on WebGPU by a software driver${why}`, () => {
  it('optimizes on the device as on the processor', { timeout }, async () => {
    const start = new Parameters([
      ['matrix', float32([2, 3], [1, 2, 3, 4, 5, 6])],
      ['bias', float32([3], [1, 2, 3])],
    ]);
    const [here, there] = [start.clone(), start.clone()];
    const options = { weightDecay: 0.1 };
    const host = new AdamW(options);
    const moments = new AdamW(options);
    const parts = [
      { matrix: float32([2, 3], [1, -2, 3, 4, 5, 6]), bias: float32([3], [1, 2, -3]) },
      { matrix: float32([2, 3], [1, 2, 3, 4, 5, 6]), bias: float32([3], [1, 2, 3]) },
    ];
    const sum = { matrix: float32([2, 3], [2, 0, 6, 8, 10, 12]), bias: float32([3], [2, 4, 0]) };
    const update = { learningRate: 0.1, scale: 0.5 };
    let device = await DeviceAdamW.open(there, start.names, options, moments);
    for (let step = 0; step < 3; step++) {
      const uploads = [];
      for (const part of parts) uploads.push(await DeviceTensors.upload(Object.entries(part)));
      for (const upload of uploads) {
        await device.accumulate(new Map(upload.names.map((name) => [name, upload.onDevice(name)!])));
      }
      expect(await device.sumOfSquares()).toBeCloseTo(368, 3);
      await device.step(update);
      host.step(here, sum, update);
      // As from a checkpoint.
      await device.download(there, moments);
      const next = await DeviceAdamW.open(there, start.names, options, moments);
      await device.release();
      for (const upload of uploads) await upload.release();
      device = next;
    }
    await device.download(there, moments);
    await device.release();
    for (const [name, { data }] of here.entries())
      expect(apart(there.get(name).data, data)).toBeLessThan(1e-6);
    expect(moments.steps).toBe(3);
    for (const [name, { data }] of host.state()) {
      expect(apart(moments.state().get(name)!.data as Float32Array, data as Float32Array), name).toBeLessThan(
        1e-6,
      );
    }
  });

  it('trains and answers as on the processor, and leaves to it what the list of operations says', {
    timeout,
  }, async () => {
    process.env.MODALITY_GUARD_PROFILE = join(scratch, 'placed');
    try {
      await expectSameTraining({ adversarial: { enabled: false } });
    } finally {
      delete process.env.MODALITY_GUARD_PROFILE;
    }
    const settings = config();
    expect([...(await trainingFallbacks(made.folder, settings))]).toEqual([]);
    const placed = await placements();
    expect(placed.get('WebGpuExecutionProvider')).toContain('Gemm');
    // The angles of positions, on purpose.
    const onHost = [...(placed.get('CPUExecutionProvider') ?? [])].sort();
    expect(onHost).toEqual(['Cos', 'Mul', 'Reshape', 'Sin']);
  });

  it('answers under attack as on the processor', { timeout }, async () => {
    const samples = rows.filter(({ perturbation }) => perturbation === 'switch');
    const results = [];
    for (const device of ['cpu', 'webgpu'] as const) {
      const model = await openModel(made.folder, { threads: 1, device });
      const attack = { attack: 'pgd', eps: 0.01, alpha: 0.1, steps: 1, seed: 1 } as const;
      results.push([...(await model.predict(samples)), ...(await model.attack(samples, attack)).predictions]);
      await model.close();
    }
    const [cpu, gpu] = results.map((list) => list.flatMap(({ probabilities }) => probabilities));
    expect(apart(gpu!, cpu!)).toBeLessThan(1e-3);
  });

  it('trains adapters on a frozen base that stays on the device', { timeout }, () =>
    expectSameTraining({ lora: { rank: 2, alpha: 4, targets: 'layers\\.0\\..*q_proj$' } }),
  );
});

/** Which providers computed which operations on floats, in programs that use WebGPU. */
async function placements(): Promise<Map<string, Set<string>>> {
  const placed = new Map<string, Set<string>>();
  for (const file of (await readdir(scratch)).filter((name) => name.startsWith('placed'))) {
    const events = JSON.parse(await readFile(join(scratch, file), 'utf8')) as ProfileEvent[];
    const nodes = events.filter(({ cat, args }) => cat === 'Node' && args?.provider);
    if (!nodes.some(({ args }) => args?.provider === 'WebGpuExecutionProvider')) continue;
    for (const { args } of nodes) {
      const { op_name: op = '', provider = '', input_type_shape: inputs = [] } = args ?? {};
      // Indices and shapes are the host's on every device.
      if (!inputs.some((input) => 'float' in input)) continue;
      placed.set(provider, (placed.get(provider) ?? new Set()).add(op));
    }
  }
  return placed;
}

interface ProfileEvent {
  cat: string;
  args?: { op_name?: string; provider?: string; input_type_shape?: Record<string, number[]>[] };
}
