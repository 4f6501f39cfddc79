import { createHash } from 'node:crypto';
import { dirname, extname, join } from 'node:path';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';

/** In workflows/code.ts. */
const placeholder = '@digest-of-the-workflow-code@';

/** What tells of the machine, not of the code: the source map, banners, and where the packages lie. */
const ofThePlace = [
  [/\n?\/\/# sourceMappingURL=[^\n]*\s*$/, ''],
  [/\/\*!\*+!\*\\\n[^\n]*\n\s*\\\*+\/\n/g, ''],
  [/(?:\.{1,2}\/)+(?:[^/"'\s]+\/)*?node_modules\//g, 'node_modules/'],
  [/"\?[0-9a-f]{4}"/g, '"?"'],
] as const;

export interface WorkflowBundle {
  code: string;
  /** The same wherever the same code lies. */
  digest: string;
}

/** The workflows in one file that knows its own digest. `workflowsPath`: their index, beside which the interceptors are. */
export async function bundleWorkflows(workflowsPath: string, logger: Logger): Promise<WorkflowBundle> {
  const recorder = join(dirname(workflowsPath), `recorder${extname(workflowsPath)}`);
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [recorder],
    // Modules are called by their paths from here.
    webpackConfigHook: (config) => ({ ...config, context: dirname(dirname(workflowsPath)) }),
    logger,
  });
  const plain = ofThePlace.reduce((text, [what, by]) => text.replace(what, by), code);
  const digest = `sha256:${createHash('sha256').update(plain).digest('hex')}`;
  if (!code.includes(placeholder))
    throw new Error(`the workflow code has no place for its digest (${placeholder})`);
  return { code: code.replaceAll(placeholder, digest), digest };
}

/** The digest that a bundle knows of itself. @throws Error where it knows none */
export function digestIn(code: string): string {
  const digest = /workflowCodeDigest = ['"](sha256:[0-9a-f]{64})['"]/.exec(code)?.[1];
  if (digest === undefined) throw new Error('the bundle of the workflows does not know its digest');
  return digest;
}
