import { Argument, type Command } from 'commander';
import { indexSettings, shownIndex } from '../../cache/index.ts';
import { devices } from '../../schemas/device.ts';
import { megabytes } from '../device/meter.ts';
import { ExitCode } from '../exit-codes.ts';
import { type CommonFlags, withCommonFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { withInterrupt } from '../session.ts';
import { table } from '../views/table.ts';
import { handle } from './command.ts';

interface InstallFlags extends CommonFlags {
  index?: string;
  dryRun?: boolean;
}
interface RemoveFlags extends CommonFlags {
  older?: boolean;
}

const cuda = () => new Argument('<device>', 'what is installed: cuda').choices(['cuda']);
const interrupted =
  'Interrupted. What was fetched is kept, and nothing uses it: the same command goes on from there, "device remove cuda" deletes it.';

export function addDevice(program: Command): void {
  const device = program
    .command('device')
    .description('devices that compute, and the CUDA libraries that one of them needs');
  const list = withCommonFlags(
    device.command('list').description('each device, tried, and the CUDA libraries in the cache'),
  );
  handle<CommonFlags>(list, listDevices);
  const install = withCommonFlags(
    device
      .command('install')
      .description(
        "fetches ONNX Runtime's CUDA provider and NVIDIA's libraries, at pinned versions, from a Python package index into the user's cache (Linux x64; all but the driver)",
      )
      .addArgument(cuda())
      .option('--index <url>', "the package index (default: pip's: PIP_INDEX_URL, pip.conf, else PyPI)")
      .option('--dry-run', 'lists files, sizes and licences, and whether the index has them'),
  );
  handle<InstallFlags>(install, installDevice);
  const remove = withCommonFlags(
    device
      .command('remove')
      .description('removes CUDA libraries, and what unfinished installations left, from the cache')
      .addArgument(cuda())
      .option('--older', 'keeps those that this version uses'),
  );
  handle<RemoveFlags>(remove, removeDevice);
}

async function listDevices(_flags: CommonFlags, output: Output): Promise<undefined> {
  const { cudaFolder, cudaSet, installedSets, probeDevice, usableSet } = await import(
    '../../engine/index.ts'
  );
  const tried = await Promise.all(devices.map(async (name) => ({ name, ...(await probeDevice(name)) })));
  const used = usableSet()?.folder;
  const sets = installedSets().map(({ bytes, folder, manifest }) => ({
    folder,
    onnxruntime: manifest.onnxruntime,
    bytes,
    used: folder === used,
    packages: manifest.packages.map(({ licence, project, version }) => ({ project, version, licence })),
  }));
  output.result({ devices: tried, folder: cudaFolder(), set: cudaSet.id, installed: sets }, () => {
    const rows = tried.map(({ name, reason, works }) => [name, works ? 'works' : 'no', reason]);
    const lines = sets.map(
      ({ bytes, folder, onnxruntime, used: inUse }) =>
        `CUDA libraries for ONNX Runtime ${onnxruntime}, ${megabytes(bytes)}, in ${folder}${inUse ? '' : ' (not used)'}`,
    );
    const none = 'No CUDA libraries are in the cache: modality-guard device install cuda';
    return [table(['device', '', 'detail'], rows), '', ...(lines.length > 0 ? lines : [none])].join('\n');
  });
}

async function installDevice(flags: InstallFlags, output: Output): Promise<ExitCode | undefined> {
  const setting = indexSettings(flags.index);
  const { cudaSet } = await import('../../engine/index.ts');
  if (flags.dryRun) return showPlan(flags, output);
  const { fetchFrom } = await import('../../models/index.ts');
  const { installCuda } = await import('../device/install.ts');
  return withInterrupt(async (signal) => {
    const options = { setting, fetch: fetchFrom, output, signal };
    const done = await installCuda(cudaSet, options);
    output.result(done, () => {
      const { downloaded, folder, installed, status } = done;
      const size = `${megabytes(installed)} in ${folder}`;
      if (status === 'present') return `All of it is there already, byte for byte: ${size}`;
      return `CUDA is installed: ${size}, ${megabytes(downloaded)} fetched. "modality-guard doctor" says whether it computes.`;
    });
    return undefined;
  }, interrupted);
}

/** What an installation would fetch and leave, and what of it the index lacks. */
async function showPlan(flags: InstallFlags, output: Output): Promise<ExitCode> {
  const setting = indexSettings(flags.index);
  const { cudaFolder, cudaSet, sizesOf } = await import('../../engine/index.ts');
  const { fetchFrom } = await import('../../models/index.ts');
  const { checkMachine, filesOf, locate } = await import('../device/plan.ts');
  checkMachine(cudaSet);
  const wheels = await Promise.all(
    cudaSet.wheels.map(async (wheel) => {
      const problem = await locate(wheel, setting, fetchFrom).then(
        () => null,
        ({ message }: Error) => message,
      );
      const { bytes, file, licence, project, sha256, version } = wheel;
      return { project, version, licence, file, bytes, sha256, files: filesOf(wheel), problem };
    }),
  );
  const sizes = sizesOf(cudaSet);
  const lacking = wheels.filter(({ problem }) => problem !== null);
  const plan = { status: 'planned', folder: cudaFolder(), index: shownIndex(setting), ...sizes, wheels };
  output.result({ ...plan, available: lacking.length === 0 }, () => {
    const packages = wheels.map(({ bytes, licence, project, version, problem }) => [
      project,
      version,
      megabytes(bytes),
      licence,
      problem === null ? 'yes' : 'NO',
    ]);
    const libraries = wheels.flatMap(({ files, project }) =>
      files.flatMap(({ bytes, name }) => (bytes === null ? [] : [[name, megabytes(bytes), project]])),
    );
    return [
      table(['package', 'version', 'fetched', 'licence', 'found'], packages, [2]),
      '',
      table(['library', 'size', 'of'], libraries, [1]),
      '',
      `${megabytes(sizes.download)} from ${plan.index}, ${megabytes(sizes.installed)} in ${plan.folder}.`,
      "NVIDIA's libraries are under NVIDIA's terms, which are kept beside them (licenses/); NVIDIA's driver comes from NVIDIA alone.",
      ...lacking.map(({ problem }) => problem as string),
    ].join('\n');
  });
  return lacking.length === 0 ? ExitCode.Done : ExitCode.Failed;
}

async function removeDevice(flags: RemoveFlags, output: Output): Promise<undefined> {
  const { removeCuda } = await import('../device/remove.ts');
  const done = await removeCuda({ older: flags.older ?? false });
  output.result(done, () => {
    if (done.removed.length === 0) return `Nothing to remove in ${done.folder}`;
    return `Removed from ${done.folder}: ${done.removed.join(', ')} (${megabytes(done.freed)})`;
  });
}
