import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Puts a program before the real Temporal CLI on PATH: `start` is what it does for `server start-dev`, in shell words. @returns the PATH */
export async function temporalProgram(folder: string, start: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const script = `case "$*" in *start-dev*) ${start};; *) echo "temporal version 1.9.1";; esac`;
  await writeFile(join(bin, 'temporal'), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, 'temporal'), 0o755);
  return `${bin}${delimiter}${process.env.PATH}`;
}

/** Never becomes ready, as one on a machine that is out of memory, or on a database that others hold. */
export const neverReady = 'while :; do sleep 1; done';
