import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

const run = promisify(execFile);
const packages = ['dataset-fashion-mnist', 'wordnet-base'];

/** Folders with the unpacked sources. `release` removes what was fetched. */
export interface Sources {
  photos: string;
  wordnet: string;
  release(): Promise<void>;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function locate(root: string): Promise<Omit<Sources, 'release'>> {
  const share = (await exists(join(root, 'usr', 'share'))) ? join(root, 'usr', 'share') : root;
  const photos = join(share, 'datasets', 'fashion-mnist');
  const wordnet = join(share, 'wordnet');
  for (const file of [join(photos, 'train-images-idx3-ubyte.gz'), join(wordnet, 'data.noun')]) {
    if (await exists(file)) continue;
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: not found; --source expects the unpacked Debian packages ${packages.join(' and ')} (dpkg-deb -x)`,
    );
  }
  return { photos, wordnet };
}

async function fetchPackages(folder: string): Promise<void> {
  try {
    await run('apt-get', ['download', ...packages], { cwd: folder });
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', join(folder, file), join(folder, 'root')]);
    }
  } catch (cause) {
    throw new GuardError(
      ErrorCode.Unavailable,
      `cannot fetch the Debian packages ${packages.join(' and ')}: apt-get download failed; give --source <folder> with them unpacked`,
      { cause },
    );
  }
}

/** The sources in `folder`, or fetched as Debian packages into a temporary folder. */
export async function openSources(folder: string | undefined): Promise<Sources> {
  if (folder !== undefined) return { ...(await locate(folder)), release: async () => {} };
  const temporary = await mkdtemp(join(tmpdir(), 'benchmark-sources-'));
  const release = () => rm(temporary, { recursive: true, force: true });
  try {
    await fetchPackages(temporary);
    return { ...(await locate(join(temporary, 'root'))), release };
  } catch (error) {
    await release();
    throw error;
  }
}
