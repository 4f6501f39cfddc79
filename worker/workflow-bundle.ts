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

/**
 * The workflows in one file that knows its own digest. `workflowsPath`: their index, beside which the interceptors are.
 * `more`: interceptors that change nothing of what workflows do; the digest is that of the code without them.
 */
export async function bundleWorkflows(
  workflowsPath: string,
  logger: Logger,
  more: readonly string[] = [],
): Promise<WorkflowBundle> {
  const recorder = join(dirname(workflowsPath), `recorder${extname(workflowsPath)}`);
  const bundled = (modules: readonly string[]) =>
    bundleWorkflowCode({
      workflowsPath,
      workflowInterceptorModules: [recorder, ...modules],
      // Modules are called by their paths from here.
      webpackConfigHook: (config) => ({ ...config, context: dirname(dirname(workflowsPath)) }),
      logger,
    });
  const { code } = await bundled([]);
  const plain = ofThePlace.reduce((text, [what, by]) => text.replace(what, by), code);
  const digest = `sha256:${createHash('sha256').update(plain).digest('hex')}`;
  if (!code.includes(placeholder))
    throw new Error(`the workflow code has no place for its digest (${placeholder})`);
  const whole = more.length === 0 ? code : (await bundled(more)).code;
  return { code: whole.replaceAll(placeholder, digest), digest };
}

/** The digest that a bundle knows of itself. @throws Error where it knows none */
export function digestIn(code: string): string {
  const digest = /workflowCodeDigest = ['"](sha256:[0-9a-f]{64})['"]/.exec(code)?.[1];
  if (digest === undefined) throw new Error('the bundle of the workflows does not know its digest');
  return digest;
}
