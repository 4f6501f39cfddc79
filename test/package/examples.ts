import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ended, root, run, temporaryFolder } from '../house/checkout.ts';

const modules = join(root, 'node_modules');

/** A project of a user who has the package, as a link to this checkout, and Node's types. */
export async function linkedProject(): Promise<string> {
  const project = await temporaryFolder();
  await mkdir(join(project, 'node_modules'));
  await writeFile(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
  await symlink(root, join(project, 'node_modules/modality-guard'));
  await addNodeTypes(project);
  return project;
}

/** What `npm install --save-dev @types/node` adds, where an installation has not brought it. */
export async function addNodeTypes(project: string): Promise<void> {
  const to = join(project, 'node_modules');
  await mkdir(join(to, '@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types'])
    await symlink(join(modules, name), join(to, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
}

/** Compiles files of a project to out/, declarations of packages checked, too. */
export function compile(project: string, files: string[]): Promise<Ended> {
  const options = '--strict --target es2023 --module nodenext --moduleResolution nodenext --types node';
  const args = [join(modules, 'typescript/bin/tsc'), ...options.split(' '), '--outDir', 'out', ...files];
  return run(process.execPath, args, { folder: project });
}

/** Copies the examples of the documents into a project; their names without ending. */
export async function copyExamples(project: string): Promise<string[]> {
  const folder = join(root, 'docs/examples');
  await cp(folder, project, { recursive: true });
  return (await readdir(folder)).filter((name) => name.endsWith('.ts')).map((name) => name.slice(0, -3));
}

export const runExample = (project: string, name: string, ...args: string[]) =>
  run(process.execPath, [join('out', `${name}.js`), ...args], { folder: project });
