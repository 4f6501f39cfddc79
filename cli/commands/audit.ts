import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ExitCode } from '../exit-codes.ts';
import type { CommonFlags, ProjectFlags } from '../flags.ts';
import { withCommonFlags, withProjectFlags } from '../flags.ts';
import { shownPath } from '../hints.ts';
import type { Output } from '../output.ts';
import { loadApi, withSession } from '../session.ts';
import { handle } from './command.ts';

interface ExportFlags extends ProjectFlags {
  out: string;
}
interface VerifyFlags extends CommonFlags {
  store?: string;
}

export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('evidence of a run, and checks of it that need no server');
  const exported = withProjectFlags(
    audit
      .command('export')
      .description('histories as JSON, manifests and the list of artifacts, in a folder')
      .argument('<workflow>', 'workflow id of a run')
      .requiredOption('--out <folder>', 'a folder that is empty or not there yet'),
  );
  handle<ExportFlags>(exported, exportAudit);
  const replay = audit
    .command('replay')
    .description('replays the histories with the current workflow code')
    .argument('<folder>');
  handle<CommonFlags>(withCommonFlags(replay), replayAudit);
  const verify = audit
    .command('verify')
    .description("checks every file's digest; a changed byte is named")
    .argument('<folder>')
    .option('--store <folder>', "the artifact store to check against (default: the project's)");
  handle<VerifyFlags>(withCommonFlags(verify), verifyAudit);
}

async function exportAudit(flags: ExportFlags, output: Output, [workflowId]: string[]): Promise<ExitCode> {
  let complete = true;
  await (await loadApi()).checkVacant(resolve(flags.out));
  await withSession(flags, output, false, async ({ session, api }) => {
    const result = await api.auditExport(session, {
      workflowId: workflowId as string,
      out: resolve(flags.out),
    });
    complete = result.problems.length === 0;
    output.result(result, () =>
      [
        ...result.problems.map(({ what, problem }) => `PROBLEM  ${what}: ${problem}`),
        `${result.histories} histories, ${result.manifests} manifests, ${result.artifacts} artifacts in ${shownPath(result.folder)}`,
      ].join('\n'),
    );
  });
  return complete ? ExitCode.Done : ExitCode.Failed;
}

async function replayAudit(_flags: CommonFlags, output: Output, [folder]: string[]): Promise<ExitCode> {
  const api = await loadApi();
  const result = await api.auditReplay({ folder: resolve(folder as string) });
  const codeOf = ({ code, same }: { code: string | null; same: boolean | null }) =>
    code === null ? 'the history does not name its code' : same ? 'the same code' : `other code, ${code}`;
  output.result(result, () =>
    [
      ...result.code.histories.map((one) => `replayed  ${one.workflowId} (${codeOf(one)})`),
      ...result.failures.map(({ workflowId, message }) => `FAILED    ${workflowId}: ${message}`),
      ...result.problems.map(({ file, problem }) => `PROBLEM   ${file}: ${problem}`),
      `The workflow code that replays is ${result.code.now}`,
    ].join('\n'),
  );
  return result.failures.length + result.problems.length === 0 ? ExitCode.Done : ExitCode.Failed;
}

async function verifyAudit(flags: VerifyFlags, output: Output, [folder]: string[]): Promise<ExitCode> {
  const api = await loadApi();
  const result = await api.auditVerify({
    folder: resolve(folder as string),
    ...(flags.store ? { storeDir: resolve(flags.store) } : {}),
  });
  output.result(result, () =>
    [
      ...result.problems.map(({ file, problem }) => `PROBLEM  ${file}: ${problem}`),
      `${result.checked} files checked, ${result.problems.length} problems`,
    ].join('\n'),
  );
  return result.problems.length === 0 ? ExitCode.Done : ExitCode.Failed;
}
