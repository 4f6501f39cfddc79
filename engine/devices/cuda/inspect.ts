import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { changeableByOthers } from '../../../cache/index.ts';
import { threadEntry } from '../../thread.ts';
import { cudaPlatform, fileProblem, type InstalledSet, nodePackage, readSet } from './installed.ts';
import { cudaSet, driverFile, oldestDriver, providerFiles } from './pins.ts';

const run = promisify(execFile);
const timeoutMs = 60_000;
const install = 'modality-guard device install cuda';

/** One thing that CUDA takes, and in a sentence what of it is there or missing. */
export interface CudaPart {
  name: string;
  ok: boolean;
  detail: string;
}

/** Driver, provider and libraries, as a session on CUDA would find them; those that are missing each, the others together. */
export async function inspectCuda(): Promise<CudaPart[]> {
  const { arch, platform } = process;
  if (!cudaPlatform()) {
    const detail = `CUDA is for Linux on x64 alone, and this is ${platform} on ${arch}`;
    return [{ name: 'CUDA libraries', ok: false, detail }];
  }
  const set = readSet(cudaSet.id);
  const names = set ? librariesOf(set) : cudaSet.opened;
  const paths = set ? names.map((name) => join(set.folder, name)) : names;
  const [driver, ...problems] = await open([driverFile, ...paths]);
  return [driverPart(driver ?? null), ...providerParts(set), ...libraryParts(set, names, problems)];
}

/** What cuDNN opens by itself is looked at, too; those that are opened first stand first. */
function librariesOf({ manifest }: InstalledSet): string[] {
  const own = new Set<string>(providerFiles);
  const all = manifest.packages.flatMap(({ files }) => files.map(({ name }) => name));
  const others = all.filter((name) => !name.includes('/') && !own.has(name));
  return [...new Set([...cudaSet.opened, ...others])];
}

async function open(paths: readonly string[]): Promise<(string | null)[]> {
  const entry = fileURLToPath(threadEntry(import.meta.url, './look.thread.ts'));
  try {
    const { stdout } = await run(process.execPath, [entry, ...paths], { timeout: timeoutMs });
    return JSON.parse(stdout) as (string | null)[];
  } catch (error) {
    const { signal, message } = error as Error & { signal?: string };
    return paths.map(() => `the process that opens it ended (${signal ?? message.split('\n')[0]})`);
  }
}

function driverPart(problem: string | null): CudaPart {
  const advice =
    `install NVIDIA's driver, version ${oldestDriver} or later, which no package brings ` +
    "(a container is given it by NVIDIA's container toolkit)";
  const detail = problem === null ? `${driverFile} is there` : `${missing(driverFile, problem)}: ${advice}`;
  return { name: 'CUDA driver', ok: problem === null, detail };
}

/** The provider, and whether it is of the version that will load it. */
function providerParts(set: InstalledSet | null): CudaPart[] {
  const name = 'CUDA provider';
  const { libraries, version } = nodePackage();
  if (!set) {
    const beside = providerFiles.every((file) => existsSync(join(libraries, file)));
    const none = `${providerFiles[1]} is missing: ${install}`;
    return [
      { name, ok: beside, detail: beside ? `beside onnxruntime-node ${version}, in ${libraries}` : none },
    ];
  }
  const wanted = set.manifest.onnxruntime;
  if (version !== wanted) {
    const detail = `${providerFiles[1]} in ${set.folder} is of ONNX Runtime ${wanted}, and onnxruntime-node here is ${version}: npm install onnxruntime-node@${wanted}`;
    return [{ name, ok: false, detail }];
  }
  const others = changeableByOthers(set.folder);
  if (others !== null) {
    const detail = `${others}, and libraries are loaded from ${set.folder}: none of them is; make it yours alone (chown, chmod go-w)`;
    return [{ name, ok: false, detail }];
  }
  const files = [set.manifest.runtime, ...set.manifest.packages.flatMap((one) => one.files)];
  const own = [set.manifest.runtime.name, ...providerFiles];
  const wrong = own.flatMap((file): CudaPart[] => {
    const bytes = files.find((one) => one.name === file)?.bytes ?? 0;
    const problem = fileProblem(join(set.folder, file), bytes);
    return problem === null
      ? []
      : [{ name, ok: false, detail: `${file} ${problem} in ${set.folder}: ${install}` }];
  });
  const whole = { name, ok: true, detail: `of ONNX Runtime ${wanted}, in ${set.folder}` };
  return wrong.length > 0 ? wrong : [whole];
}

function libraryParts(
  set: InstalledSet | null,
  names: readonly string[],
  problems: (string | null)[],
): CudaPart[] {
  const files = new Map(
    set?.manifest.packages.flatMap((one) => one.files.map((file) => [file.name, file.bytes])),
  );
  const wrong = names.flatMap((library, at): CudaPart[] => {
    const bytes = files.get(library);
    const ofFile = set && bytes !== undefined ? fileProblem(join(set.folder, library), bytes) : null;
    const said = problems[at] ?? null;
    if (ofFile === null && said === null) return [];
    const what = ofFile ? `${library} ${ofFile} in ${set?.folder}` : missing(library, said as string);
    return [{ name: 'CUDA library', ok: false, detail: `${what}: ${install}` }];
  });
  const name = 'CUDA libraries';
  if (wrong.length === 0) return [{ name, ok: true, detail: `all ${names.length} load` }];
  if (set || wrong.length < names.length) return wrong;
  return [{ name, ok: false, detail: `none of ${names.join(', ')} is there: ${install}` }];
}

/** The loader names the library that it lacks, which may be one that this one needs. */
function missing(library: string, said: string): string {
  const [, absent] = /^(\S+): cannot open shared object file/.exec(said) ?? [];
  if (absent === undefined) return `${library} does not load (${said})`;
  return absent.endsWith(library) ? `${library} is missing` : `${absent}, which ${library} needs, is missing`;
}
