import { execFileSync, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colourImage, fixture } from '../models/hf-samples.ts';
import { copyOf } from '../models/published.ts';
import type { Ended } from './command.ts';

const program = fileURLToPath(new URL('../../cli/modality-guard.mjs', import.meta.url));
const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];

/** Why nobody's rights cannot be tried here; empty: they can. */
function obstacle(): string {
  try {
    // Root may read everything, so that another user has to try, who must reach the program.
    execFileSync('setpriv', [...nobody, process.execPath, program, '--version'], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return ` (skipped: no command can be run as another user: ${(error as Error).message.split('\n')[0]})`;
  }
}
const why = obstacle();

let home: string;
/** Files of a model and of data, as their names. */
const table = 'question,A,B,answer,decides,image\nq?,x,y,A,both,p.png\nr?,x,y,A,both,q.png\n';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'guard-rights-'));
  await chmod(home, 0o777);
  await copyOf('llava', join(home, 'model'));
  for (const end of ['.onnx', '.onnx_data'])
    await cp(
      join(fixture('llava'), `variants/external/decoder_model_merged${end}`),
      join(home, `model/onnx/decoder_model_merged${end}`),
    );
  await mkdir(join(home, 'data/deeper'), { recursive: true });
  await mkdir(join(home, 'closed'));
  await writeFile(join(home, 'data/t.csv'), table);
  await writeFile(join(home, 'texts.csv'), 'question,A,B,answer,decides\nq?,x,y,A,text\n');
  for (const ending of ['jsonl', 'json', 'parquet', 'arrow', 'tsv', 'csv.gz'])
    await writeFile(join(home, `t.${ending}`), table);
  for (const [i, name] of ['p', 'q'].entries())
    await writeFile(join(home, `data/${name}.png`), colourImage(i).bytes);
  if (why === '') await run(['ingest', 'texts.csv', '--out', 'benchmark']);
});
afterAll(() => rm(home, { recursive: true, force: true }));

function run(args: string[]): Promise<Ended> {
  const environment = { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
  const child = spawn('setpriv', [...nobody, process.execPath, program, ...args], {
    cwd: home,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (piece) => {
    stdout += piece;
  });
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** Runs a command while a file or folder is closed to others. */
async function without(path: string, args: string[]): Promise<Ended> {
  const full = join(home, path);
  await chmod(full, 0o000);
  try {
    return await run(args);
  } finally {
    await chmod(full, 0o755);
  }
}

const inspect = ['models', 'inspect', 'model'];
const dryRun = ['diagnose', '--model', './model', '--benchmark', 'benchmark', '--dry-run'];
const refused = 'cannot be read: this user may not read it (EACCES); give it the right to';
describe.skipIf(why !== '')(`what this user may not read is named${why}`, () => {
  it.each<[string, string[]]>([
    ['model/config.json', inspect],
    ['model/onnx', inspect],
    ['model/onnx/embed_tokens.onnx', inspect],
    ['model/onnx/decoder_model_merged.onnx_data', inspect],
    ['model/config.json', dryRun],
    ['model/onnx', dryRun],
    ['model/onnx/vision_encoder.onnx', dryRun],
    ['model/onnx/decoder_model_merged.onnx_data', dryRun],
    ['model/tokenizer.json', dryRun],
    ['model/tokenizer_config.json', dryRun],
    ['model/preprocessor_config.json', dryRun],
    ['data', ['ingest', 'data', '--out', 'out']],
    ['data/deeper', ['ingest', 'data', '--out', 'out']],
    ['data/t.csv', ['ingest', 'data', '--out', 'out']],
    ...['jsonl', 'json', 'parquet', 'arrow', 'tsv', 'csv.gz'].map((ending): [string, string[]] => [
      `t.${ending}`,
      ['ingest', `t.${ending}`, '--out', 'out'],
    ]),
    ['closed', ['ingest', 'data/t.csv', '--images', 'closed', '--out', 'out']],
  ])('%s: %s', async (path, args) => {
    const { code, stderr } = await without(path, args);
    expect(stderr).toContain(refused);
    expect(stderr).toContain(path.split('/').at(-1));
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
    expect((await run(['ingest', 'out', '--out', 'none'])).stderr).toContain(
      'there is no such file or folder',
    );
  });

  it('in a folder, too, or a picture of one row', async () => {
    const out = await without('closed', ['ingest', 'texts.csv', '--out', 'closed/out']);
    expect(out.stderr).toMatch(/--out .*closed/);
    expect(out.code).toBe(1);
    const row = await without('data/p.png', ['ingest', 'data', '--out', 'some']);
    expect(row.stderr).toContain(`p.png ${refused}`);
    expect(row.stdout).toContain('Rows 2 = 1 samples + 1 rejects');
  });
});
