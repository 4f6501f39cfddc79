// Compiles the sources to dist/ and bundles the workflow code. The new dist/ takes the old one's place only when all of
// it is there.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { explainFileError } from './bootstrap/setup-error.mjs';
import { digestOf, filesBelow, sourceDigest, stampPath } from './bootstrap/stamp.mjs';
import { addOnnxRuntime } from './onnxruntime.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const fresh = join(root, `dist.new-${process.pid}`);
const bundleName = 'workflow-bundle.js';
const bundler = 'worker/workflow-bundle.js';

try {
  const digest = sourceDigest(root);
  compile();
  await bundleWorkflows();
  addOnnxRuntime(root, fresh);
  replaceDist();
  writeFileSync(stampPath(root), `${digest}\n`);
} catch (error) {
  process.stderr.write(
    `build: ${error.code ? explainFileError(error, error.path ?? 'dist/') : error.message}\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

/** Types are checked by "npm run types"; the build only emits, so that a first start is quick. */
function compile() {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', fresh];
  const result = spawnSync(process.execPath, [compiler, ...args], {
    cwd: root,
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
  });
  if (result.status !== 0) throw new Error('the compiler found errors (above)');
}

/** Workflow code is bundled ahead of time, as a worker in production wants it; an unchanged bundle is taken over. */
async function bundleWorkflows() {
  const entry = join(fresh, 'workflows/index.js');
  if (!existsSync(entry)) return;
  const digest = bundleInputs();
  const old = join(dist, bundleName);
  if (existsSync(old) && readText(`${old}.built-for`) === digest) {
    cpSync(old, join(fresh, bundleName));
  } else {
    const { bundleWorkflows } = await import(pathToFileURL(join(fresh, bundler)));
    const logger = Object.fromEntries(
      ['log', 'trace', 'debug', 'info', 'warn'].map((level) => [level, () => {}]),
    );
    logger.error = (message, meta) => process.stderr.write(`${message} ${JSON.stringify(meta ?? {})}\n`);
    const { code } = await bundleWorkflows(entry, logger);
    writeFileSync(join(fresh, bundleName), code);
  }
  writeFileSync(join(fresh, `${bundleName}.built-for`), digest);
}

function bundleInputs() {
  const files = ['workflows', 'schemas'].flatMap((folder) => filesBelow(fresh, folder, /\.js$/));
  const version = createRequire(import.meta.url)('@temporalio/workflow/package.json').version;
  return `${digestOf(fresh, [...files, bundler])} ${version}`;
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function replaceDist() {
  const old = join(root, `dist.old-${process.pid}`);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
}
