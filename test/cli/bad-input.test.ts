import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cp, readdir, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Graph, loadGraph, type Node, saveGraph } from '../../engine/index.ts';
import { MediaType } from '../../schemas/artifact.ts';
import { catalogue, type Sample, type Split } from '../../schemas/benchmark.ts';
import {
  ArtifactStore,
  readSamples,
  type TableSchema,
  writeSamplesFile,
  writeTableFile,
} from '../../store/index.ts';
import { connectServer, type ServerConnection } from '../../worker/server/index.ts';
import { readRecord } from '../../worker/server/record.ts';
import { type Project, smallBenchmark, smallProject } from '../support/project.ts';
import { type Ended, modalityGuard, projectFolder } from './command.ts';

let project: Project;
let server: ServerConnection;
beforeAll(async () => {
  project = await smallProject(({ diagnosis }) => {
    diagnosis.skip = [...catalogue].filter((name) => name !== 'origin');
  });
  await smallBenchmark(join(project.folder, 'benchmark'), 9);
  server = await connectServer({ stateDir: join(project.folder, 'server'), log: () => {} });
});
afterAll(async () => {
  await server?.close();
  await project?.remove();
});

interface Refusal extends Ended {
  error: { code: string; message: string };
  /** Where the command kept its state; of this test alone. */
  stateDir: string;
}

async function inProject(args: string[], stateDir?: string): Promise<Ended & { stateDir: string }> {
  const state = stateDir ?? join(await projectFolder(), 'state');
  const ended = await modalityGuard([...args, '--json', '--no-input', '--state-dir', state], {
    folder: project.folder,
    env: { TEMPORAL_ADDRESS: server.address },
  });
  return { ...ended, stateDir: state };
}

/** Runs a command that must fail at the first attempt, with the same words on both outputs and nothing half-written. */
async function refusal(args: string[], stateDir?: string): Promise<Refusal> {
  const ended = await inProject(args, stateDir);
  expect(ended.code, ended.stdout + ended.stderr).toBe(1);
  const { status, error } = JSON.parse(ended.stdout) as { status: string; error: Refusal['error'] };
  expect(status).toBe('failed');
  expect(ended.stderr.trimEnd().endsWith(`modality-guard: ${error.message}`), ended.stderr).toBe(true);
  expect(ended.stderr).not.toContain('last failure');
  await expectWhole(ended.stateDir);
  return { ...ended, error };
}

async function expectWhole(stateDir: string): Promise<void> {
  // What is refused before anything is computed makes no state.
  if (!existsSync(stateDir)) return;
  const files = await readdir(stateDir, { recursive: true });
  expect(files.filter((name) => /\.tmp$|^runs|^scratch\/|^store\/tmp\//.test(name))).toEqual([]);
  const store = await ArtifactStore.open(join(stateDir, 'store'));
  for await (const problem of store.verify()) expect.fail(problem.message);
}

/** Whether the store took the file in. */
async function keeps(stateDir: string, file: string): Promise<boolean> {
  const store = await ArtifactStore.open(join(stateDir, 'store'));
  return store.has(await store.refOfFile(file, MediaType.Binary));
}

async function copyOf(name: 'model' | 'benchmark'): Promise<string> {
  const folder = join(await projectFolder(), name);
  await cp(join(project.folder, name), folder, { recursive: true });
  return folder;
}

it('a file where a report should go is refused before the work', async () => {
  const file = join(await projectFolder(), 'report');
  await writeFile(file, 'mine');
  for (const command of [['diagnose'], ['scenarios', 'preview', '--pack', 'work-orders']]) {
    for (const out of [file, join(file, 'deeper')]) {
      const ended = await modalityGuard([...command, '--out', out, '--json'], { folder: project.folder });
      expect(ended.code).toBe(1);
      expect(JSON.parse(ended.stdout).error).toMatchObject({
        code: 'BAD_INPUT',
        message: expect.stringMatching(/^--out .*report.*is a file; name a folder/),
      });
    }
  }
});

describe('a model that is refused', () => {
  it.each(['vision_encoder', 'embed_tokens', 'decoder_model_merged'])('%s.onnx cut short', async (name) => {
    const model = await copyOf('model');
    const file = join(model, 'onnx', `${name}.onnx`);
    await truncate(file, (await stat(file)).size >> 1);
    const { error, stateDir } = await refusal(['diagnose', '--model', model]);
    expect(error.code).toBe('BAD_MODEL');
    expect(error.message).toContain(`${file}: `);
    expect(error.message).toMatch(/truncated.*copy it again/);
    expect(await keeps(stateDir, file)).toBe(false);
  });

  /** A decoder that first does something else to the embeddings. */
  async function modelWith(node: Pick<Node, 'opType' | 'domain' | 'attributes'>): Promise<string> {
    const model = await copyOf('model');
    const file = join(model, 'onnx/decoder_model_merged.onnx');
    const graph: Graph = await loadGraph(file);
    for (const { inputs } of graph.nodes) {
      for (const [i, input] of inputs.entries()) if (input === 'inputs_embeds') inputs[i] = 'normed';
    }
    graph.nodes.unshift({ ...node, name: 'extra_norm', inputs: ['inputs_embeds'], outputs: ['normed'] });
    if (node.domain) graph.opsets.set(node.domain, 1);
    await saveGraph(graph, file);
    return model;
  }

  it('an operation without a gradient rule: no training, and a diagnosis that says why it has no attacks', async () => {
    const model = await modelWith({
      opType: 'SampleOp',
      domain: 'com.microsoft',
      attributes: {},
    });
    const where =
      /^model sha256:[0-9a-f]{16}: onnx\/decoder_model_merged\.onnx: node 'extra_norm' \(SampleOp, domain 'com\.microsoft'\).*no gradient rule/;
    // A run would come to its training after hours: it is refused before its diagnosis begins.
    for (const command of ['train', 'run']) {
      const { error } = await refusal([command, '--model', model]);
      expect(error.code).toBe('BAD_MODEL');
      expect(error.message).toMatch(
        /decoder_model_merged\.onnx: node 'extra_norm' \(SampleOp, domain 'com\.microsoft'\).*no gradient rule.*cannot be trained/,
      );
    }
    const ended = await inProject(['diagnose', '--model', model]);
    expect(ended.code, ended.stderr).toBe(0);
    const { base, leftOut, pgd } = JSON.parse(ended.stdout);
    expect(base['vqa/origin'].n).toBeGreaterThan(0);
    expect(pgd).toEqual([]);
    expect(leftOut).toEqual([
      { taskKind: 'image_heavy', attack: 'pgd', reason: expect.stringMatching(where) },
      { taskKind: 'text_heavy', attack: 'pgd', reason: expect.stringMatching(where) },
    ]);
  });

  it('an operation that nobody knows', async () => {
    const model = await modelWith({ opType: 'FancyNorm', domain: 'com.acme', attributes: {} });
    const { error, stateDir } = await refusal(['train', '--model', model]);
    expect(error.code).toBe('BAD_MODEL');
    const file = join(model, 'onnx/decoder_model_merged.onnx');
    expect(error.message).toContain(`${model}: onnx/decoder_model_merged.onnx: node 'extra_norm'`);
    expect(error.message).toMatch(/FancyNorm, domain 'com\.acme'.*can be diagnosed, without attacks/);
    expect(await keeps(stateDir, file)).toBe(false);
  });
});

describe('a benchmark that is refused', () => {
  /** A split of the benchmark with a change. */
  async function benchmarkWith(split: Split, change: (rows: Sample[]) => Sample[]): Promise<string> {
    const folder = await copyOf('benchmark');
    const file = join(folder, `${split}.parquet`);
    const rows = await readSamples(file);
    await writeSamplesFile(file, change(rows.map(({ perturbation: _, ...row }) => row)));
    return folder;
  }

  const withRow = (rows: Sample[], i: number, change: Partial<Sample>) =>
    rows.map((row, at) => (at === i ? { ...row, ...change } : row));

  const gif = { bytes: Buffer.from('GIF89a, or so'), path: null };
  const faults: [string, Split, (rows: Sample[]) => Sample[], RegExp][] = [
    [
      'an image that is none',
      'test',
      (rows) => withRow(rows, 3, { image: gif }),
      /^ row 3 \(the first is 0\), field "image": .*; expected a whole PNG, JPEG, WebP, GIF, TIFF or AVIF file/,
    ],
    [
      'options without the answer',
      'train',
      (rows) => withRow(rows, 5, { answer: 4 }),
      /^ row 5 \(the first is 0\), field "answer": 4, but there are 4 options: .*; expected a whole number from 0 to 3/,
    ],
    ['an empty split', 'heldout', () => [], /^ the split "heldout" has no rows; expected at least one/],
  ];

  it.each(faults)('%s', async (_, split, change, expected) => {
    const folder = await benchmarkWith(split, change);
    await expectRefused(folder, `${split}.parquet`, expected);
  });

  it('a needed column missing', async () => {
    const folder = await copyOf('benchmark');
    const file = join(folder, 'test.parquet');
    const schema: TableSchema = {
      id: { kind: 'string' },
      taskKind: { kind: 'string' },
      split: { kind: 'string' },
      question: { kind: 'string' },
    };
    await writeTableFile(
      file,
      schema,
      (await readSamples(file)).map(({ id, taskKind, split, question }) => ({
        id,
        taskKind,
        split,
        question,
      })),
    );
    const expected = /^ column "options" \(list<string>\) is missing.*id, taskKind, split, question/;
    await expectRefused(folder, 'test.parquet', expected);
  });

  async function expectRefused(folder: string, name: string, expected: RegExp): Promise<void> {
    const file = join(folder, name);
    const { error, stateDir } = await refusal(['run', '--policy', 'demo', '--benchmark', folder]);
    expect(error.code).toBe('BAD_INPUT');
    expect(error.message.startsWith(`${file}:`), error.message).toBe(true);
    expect(error.message.slice(file.length + 1)).toMatch(expected);
    for (const part of await readdir(folder)) expect(await keeps(stateDir, join(folder, part))).toBe(false);
  }
});

it('a port that is taken leaves no state folder behind', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const folder = await projectFolder();
  const { code, stderr } = await modalityGuard(['run', '--port', String(port)], { folder });
  await new Promise((resolve) => taken.close(resolve));
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(new RegExp(`Port ${port} .*taken.*--port`));
  expect(existsSync(join(folder, '.modality-guard'))).toBe(false);
});

const disk = mkdtempSync(join(tmpdir(), 'guard-disk-'));

function mount(size: string): string {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim();
  }
}

const refused = mount('40m');
const reason = refused ? ` (skipped: mounting a small disk is not permitted here: ${refused})` : '';
afterAll(() => {
  if (!refused) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

describe.skipIf(refused)(`a disk that is full${reason}`, () => {
  it('in the middle of the work: one attempt, and the rest of the state is whole', async () => {
    const model = await copyOf('model');
    await writeFile(join(model, 'more.bin'), Buffer.alloc(45 * 2 ** 20));
    const { error } = await refusal(['train', '--model', model], join(disk, 'state'));
    expect(error.code).toBe('STORAGE');
    expect(error.message).toContain(join(disk, 'state/store'));
    expect(error.message).toMatch(/the disk is full: free some space there/);
  });

  it('under the database of our own server: an end in place of silence', async () => {
    const stateDir = join(disk, 'own');
    const filler = join(disk, 'filler');
    const running = modalityGuard(['worker', '--state-dir', stateDir], { folder: project.folder });
    while (!(await readRecord(stateDir))?.ready) await sleep(50);
    const { bavail, bsize } = await statfs(disk);
    await writeFile(filler, Buffer.alloc(bavail * bsize - 2 ** 16));
    const { code, stderr } = await running;
    expect(code, stderr).toBe(1);
    expect(stderr).toContain(`${stateDir}: the disk has become full. Free some space there`);
    rmSync(filler);
  });

  it('from the beginning: nothing is made there', async () => {
    await writeFile(join(disk, 'filler'), Buffer.alloc(16 * 2 ** 20));
    const before = await readdir(disk);
    const stateDir = join(disk, 'other/state');
    const { code, stdout } = await inProject(['run'], stateDir);
    expect(code).toBe(1);
    const { error } = JSON.parse(stdout) as Refusal;
    expect(error.code).toBe('STORAGE');
    expect(error.message).toContain(`${stateDir}: the disk is full`);
    expect(error.message).toContain('--state-dir');
    expect(await readdir(disk)).toEqual(before);
  });
});
