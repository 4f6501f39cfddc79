import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { packageFolder } from '../../worker/config.ts';
import { bundleWorkflows, type WorkflowBundle } from '../../worker/workflow-bundle.ts';

/** A change of workflow code: a text of a file of workflows/ that stands there once, and what stands there instead. */
export interface Edit {
  file: string;
  from: string;
  to: string;
}

/** The workflow code as it would be with these changes. Throws where a text is not there. */
export async function bundleChanged(edits: readonly Edit[]): Promise<WorkflowBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-workflows-'));
  try {
    for (const name of ['workflows', 'schemas', 'package.json'])
      await cp(join(packageFolder(), name), join(folder, name), { recursive: true });
    await symlink(join(packageFolder(), 'node_modules'), join(folder, 'node_modules'));
    for (const { file, from, to } of edits) {
      const path = join(folder, 'workflows', file);
      const parts = (await readFile(path, 'utf8')).split(from);
      if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} of ${from}`);
      await writeFile(path, parts.join(to));
    }
    const workflowsPath = join(folder, 'workflows/index.ts');
    return await bundleWorkflows(workflowsPath, new DefaultLogger('ERROR'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
