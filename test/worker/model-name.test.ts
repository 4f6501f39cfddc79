import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, packageFolder } from '../../worker/config.ts';
import { modelNameOf } from '../../worker/model-name.ts';
import { resolved } from '../../worker/requests.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'guard-names-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function folder(path: string, files: Record<string, object> = {}): Promise<string> {
  const made = join(base, path);
  await mkdir(made, { recursive: true });
  for (const [name, content] of Object.entries(files))
    await writeFile(join(made, name), JSON.stringify(content));
  return made;
}
const config = { 'config.json': { _name_or_path: 'llava-hf/llava-1.5-7b-hf' } };
const commit = '0123456789abcdef0123456789abcdef01234567';

describe('the name of a model', () => {
  it.each<[string, string, Record<string, object>]>([
    ['my-llava', 'my-llava', config],
    ['My llava (2)', 'My-llava-2', {}],
    ['a/model', 'llava-1.5-7b-hf', config],
    ['a/mini', 'llava-1.5-7b-hf', config],
    ['qwen/onnx', 'qwen', {}],
    [`models--Qwen--Qwen2-VL-2B/snapshots/${commit}`, 'Qwen2-VL-2B', config],
    ['served', 'gpt-x-1', { 'endpoint.json': { baseUrl: 'http://127.0.0.1:1/v1', model: 'gpt-x:1' } }],
  ])('of %s is %s', async (path, name, files) => {
    expect(await modelNameOf(await folder(path, files))).toBe(name);
  });

  it('is asked for where folder and config have none', async () => {
    const unnamed = await folder('model/onnx');
    await expect(modelNameOf(unnamed)).rejects.toThrow(/what is this model called\?.*--model-name/);
  });

  it('is mini for the embedded model alone', async () => {
    expect(await modelNameOf(join(packageFolder(), 'data/model'))).toBe('mini');
    const loaded = await loadConfig({ folder: packageFolder() });
    expect(loaded.model.name).toBe('mini');
    const session = { config: loaded, stateDir: base };
    const foreign = await folder('foreign');
    expect(await resolved(session, {})).toEqual({ model: 'mini' });
    expect(await resolved(session, { modelFolder: foreign })).toMatchObject({ model: 'foreign' });
    expect(await resolved(session, { modelFolder: foreign, model: 'mine' })).toMatchObject({ model: 'mine' });
    expect(await resolved(session, { model: 'mine' })).toEqual({ model: 'mine', champion: true });
    const served = await resolved(session, {
      endpoint: { baseUrl: 'http://127.0.0.1:1/v1', model: 'a/b' },
    });
    expect(served.model).toBe('a-b');
    await expect(resolved(session, { modelFolder: foreign, model: 'a/b' })).rejects.toThrow(
      /a name has letters/,
    );
  });
});
