import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packageFolder } from '../../worker/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'attack-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('docs get the figures that a report shows', () => {
  const point = { taskKind: 'image_heavy', attack: 'strong', n: 120 };
  const report = {
    ...{ seed: 7, model: { base: 'sha256:0123456789abcdef' } },
    pgd: [
      { ...point, eps: 0, epsRelative: 0, before: 0.9, after: 0.925 },
      { ...point, eps: 0.00506, epsRelative: 0.1, before: 0.467, after: 0.75 },
      { ...point, attack: 'rg', eps: 0.00506, epsRelative: 0.1, before: 0.9, after: 0.9 },
    ],
    masking: [{ taskKind: 'image_heavy', model: 'base', bySearch: 0.0083, byTransfer: null, masked: false }],
  };
  const file = join(folder, 'report.json');
  writeFileSync(file, JSON.stringify(report));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(packageFolder(), 'scripts/attack-table.mjs'), ...args], {
      encoding: 'utf8',
    });
  expect(run(file).stdout).toBe(
    [
      '| embeddings of | attack | none | 0.1 × |',
      '| --- | --- | ---: | ---: |',
      '| text | `strong` | 90.0 → 92.5 | 46.7 → 75.0 (0.0051) |',
      '',
      'Accuracy in %, n = 120, seed 7; the base is sha256:01234567. What gradients left standing and a search without them',
      'fooled, and what examples of the base took beyond the strong attack: text, base: search 0.8 %.',
      '',
    ].join('\n'),
  );
  expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('usage') });
});
