// Puts ONNX Runtime's Node binding beside the compiled files, where Node finds it before any other: as a dependency, its
// install script would fetch CUDA libraries from NuGet, and the whole installation fails where that is not reachable.
import { copyFileSync, cpSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where Temporal's worker runs, too: one without the other is of no use. */
const platforms = ['linux/x64', 'linux/arm64', 'darwin/arm64', 'win32/x64'];

/**
 * Microsoft's terms for these ask whoever passes them on to bind the users to terms of their own, which an MIT package does not. ONNX Runtime
 * loads them only if they are there: DirectML, which nothing here uses, and the newer of two compilers of WebGPU's shaders.
 */
const notOurs = ['DirectML.dll', 'dxcompiler.dll', 'dxil.dll'];

/** The same library again, under the name of its version. */
const isDouble = (name) => /^libonnxruntime\.\d+\.\d+\.\d+\.dylib$/.test(name);

/** Those of ONNXRUNTIME_PLATFORMS, "linux/x64,linux/arm64"; all where that is not set. */
function chosenPlatforms(list = process.env.ONNXRUNTIME_PLATFORMS) {
  if (!list) return platforms;
  const chosen = list.split(',').map((name) => name.trim());
  const unknown = chosen.filter((name) => !platforms.includes(name));
  if (unknown.length === 0) return chosen;
  throw new Error(`ONNXRUNTIME_PLATFORMS: no ${unknown.join(', ')}; there are ${platforms.join(', ')}`);
}

/** `root` is the checkout, `dist` the folder of the compiled files. The libraries are linked where the file system can. */
export function addOnnxRuntime(root, dist) {
  const from = join(root, 'node_modules/onnxruntime-node');
  const to = join(dist, 'node_modules/onnxruntime-node');
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const { description, license, main, name, os, repository, types, version } = manifest;
  const dependencies = { 'onnxruntime-common': manifest.dependencies['onnxruntime-common'] };
  const kept = { name, version, description, license, repository, main, types, os, dependencies };
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies['onnxruntime-common'];
  if (own !== dependencies['onnxruntime-common'])
    throw new Error(
      `package.json names onnxruntime-common ${own}; onnxruntime-node ${version} takes ${dependencies['onnxruntime-common']}`,
    );
  cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.map') });
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
  copyFileSync(join(root, 'data/licenses/onnxruntime.txt'), join(to, 'LICENSE'));
  copyFileSync(join(root, 'data/licenses/onnxruntime-notices.txt'), join(to, 'ThirdPartyNotices.txt'));
  for (const platform of chosenPlatforms()) {
    const folder = join('bin/napi-v6', platform);
    for (const file of readdirSync(join(from, folder)))
      if (!isDouble(file) && !notOurs.includes(file)) place(join(from, folder, file), join(to, folder, file));
  }
}

function place(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
