import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, run, temporaryFolder } from '../house/checkout.ts';

const has = spawnSync('systemd-analyze', ['--version']).status === 0;
const why = has ? '' : ' (skipped: this machine has no systemd-analyze)';

test.skipIf(!has)(`the unit of docs/deployment.md is right to systemd${why}`, async () => {
  const page = await readFile(join(root, 'docs/deployment.md'), 'utf8');
  const [, unit] = /```ini\n([\s\S]*?)```/.exec(page)!;
  const folder = await temporaryFolder();
  const verify = async (text: string) => {
    const file = join(folder, 'modality-guard.service');
    await writeFile(file, text.replace('/usr/bin/node', process.execPath));
    return run('systemd-analyze', ['verify', file], { folder });
  };
  expect(await verify(unit!)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await verify(unit!.replace('TimeoutStopSec', 'TimeoutStop'))).stderr).toMatch(/TimeoutStop/);
});
