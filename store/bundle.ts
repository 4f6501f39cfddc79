import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from './atomic.ts';
import { hashFile } from './hash-file.ts';
import { errno } from './storage-errors.ts';

/** The form of sha256sum, so that `sha256sum -c SHA256SUMS` checks a bundle too. */
const sealName = 'SHA256SUMS';

/** Relative paths with `/`, sorted; temporary files of a writer at work are left out. */
export async function bundleFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const prefix = join(folder, '/');
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
    .map((entry) => join(entry.parentPath, entry.name).slice(prefix.length).replaceAll('\\', '/'))
    .filter((path) => path !== sealName)
    .sort();
}

/** Writes SHA256SUMS over every file of a run bundle: the last thing that its writer does. */
export async function sealBundle(folder: string): Promise<void> {
  const lines: string[] = [];
  for (const path of await bundleFiles(folder)) {
    lines.push(`${(await hashFile(join(folder, path))).slice('sha256:'.length)}  ${path}\n`);
  }
  await writeAtomically(join(folder, sealName), (write) => write(Buffer.from(lines.join(''))));
}

/** No list of digests is longer; one from somebody else may be anything. */
const longestSeal = 16 * 1024 * 1024;

async function readSeal(folder: string): Promise<string> {
  const found = await lstat(join(folder, sealName));
  if (!found.isFile()) throw new Error('it is no plain file');
  const { size } = found;
  if (size > longestSeal) throw new Error(`it has ${size} bytes, and is read with at most ${longestSeal}`);
  return readFile(join(folder, sealName), 'utf8');
}

/** What differs between a bundle and its seal, in words with the file's name. `only`: these files alone are looked at. */
export async function sealProblems(
  folder: string,
  only?: readonly string[],
): Promise<{ file: string; message: string }[]> {
  let text: string;
  try {
    text = await readSeal(folder);
  } catch (error) {
    const why = errno(error) ?? (error as Error).message;
    const message = `${sealName} cannot be read (${why}): nothing proves that the files are as written`;
    return [{ file: sealName, message }];
  }
  const problems: { file: string; message: string }[] = [];
  const sealed = new Map<string, string>();
  for (const line of text.split('\n').filter((entry) => entry !== '')) {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
    if (match) sealed.set(match[2] as string, match[1] as string);
    else
      problems.push({
        file: sealName,
        message: `not a line of sha256sum: ${JSON.stringify(line.slice(0, 80))}`,
      });
  }
  const present = new Set(only ?? (await bundleFiles(folder)));
  for (const [file, hex] of sealed) {
    if (only && !present.has(file)) continue;
    if (!present.has(file)) problems.push({ file, message: 'the file is missing' });
    else if ((await hashFile(join(folder, file))) !== `sha256:${hex}`) {
      problems.push({ file, message: 'the file was changed after the bundle was sealed' });
    }
  }
  for (const file of present) {
    if (!sealed.has(file)) problems.push({ file, message: 'the file was added after the bundle was sealed' });
  }
  return problems;
}
