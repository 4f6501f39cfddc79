import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './checkout.ts';

/** Beyond this a file has more than one subject. */
const longestFile = 330;
const folders = [
  'api',
  'workflows',
  'activities',
  'worker',
  'schemas',
  'engine',
  'models',
  'training',
  'diagnosis',
  'store',
  'ingest',
  'report',
  'pictures',
  'random',
  'cache',
  'cli',
  'bench',
  'data',
  'scripts',
];

async function sources(folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder), { recursive: true });
  return names.filter((name) => /\.(ts|mjs)$/.test(name)).map((name) => join(folder, name));
}

/** What the linter cannot say; the directions of imports are in biome.json. */
describe('the house', () => {
  it('keeps activities out of workflow code: it imports their types alone', async () => {
    for (const file of await sources('workflows')) {
      const text = await readFile(join(root, file), 'utf8');
      const imports = text.match(/^(import|export)[^;]*from '[^']*activities[^']*'/gm) ?? [];
      for (const line of imports) expect(line, file).toMatch(/^import type /);
    }
  });

  it('keeps files short', async () => {
    const files = (await Promise.all(folders.map(sources))).flat();
    expect(files.length).toBeGreaterThan(100);
    const long: string[] = [];
    for (const file of files) {
      const lines = (await readFile(join(root, file), 'utf8')).split('\n').length;
      if (lines > longestFile) long.push(`${file}: ${lines} lines`);
    }
    expect(long).toEqual([]);
  });
});
