import { resolve } from 'node:path';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { sealProblems } from '../../store/index.ts';
import { boundedSize, bundleLimits, bundleName, inMiB, readBundle } from '../bundle.ts';
import { workflowDigest } from '../run.ts';
import { type ReplayLimits, replayBounded } from './bounded.ts';

export interface AuditReplay {
  /** Workflow ids. */
  replayed: string[];
  /** What this code does otherwise, each with its place in the history where it has one. */
  failures: { workflowId: string; message: string; eventId?: string; stage?: string | null; time?: string }[];
  /** What is missing from the bundle, or is not as it was sealed. */
  problems: { file: string; problem: string }[];
  code: {
    /** Digest of the workflow code that replays. */
    now: string;
    /** Of those that began the workflows; null: the history does not say. */
    histories: { workflowId: string; runId: string; code: string | null; same: boolean | null }[];
  };
}

/**
 * Replays a bundle's histories with the workflow code of now, and compares all that it does. Needs no server. A bundle may come from
 * anywhere: its files, their sizes and the replay's time and memory are bounded.
 * @throws GuardError BadInput naming a bad file, or a limit
 */
export async function auditReplay({
  folder: given,
  limits,
}: {
  folder: string;
  limits?: ReplayLimits;
}): Promise<AuditReplay> {
  const folder = resolve(given);
  const { histories, problems = [] } = await readBundle(folder);
  await checkSizes(
    folder,
    histories.map(({ file }) => file),
  );
  const result: AuditReplay = {
    replayed: [],
    failures: [],
    problems: problems.map(({ problem, what }) => ({ file: what, problem })),
    code: { now: await workflowDigest(), histories: [] },
  };
  const files = [bundleName, ...new Set(histories.map(({ file }) => file))];
  for (const { file, message } of await sealProblems(folder, files))
    result.problems.push({ file, problem: message });

  const tasks = histories.map(({ file, workflowId }) => ({ folder, file, workflowId }));
  const there = new Set(histories.map(({ runId, workflowId }) => `${workflowId} ${runId}`));
  const answers = await replayBounded(tasks, limits);
  for (const [i, { bad, code, differences, relatives }] of answers.entries()) {
    const { runId, workflowId } = histories[i]!;
    if (bad) throw new GuardError(ErrorCode.BadInput, differences[0]!.message);
    result.replayed.push(workflowId);
    result.failures.push(...differences.map((difference) => ({ workflowId, ...difference })));
    const same = code === null ? null : code === result.code.now;
    result.code.histories.push({ workflowId, runId, code, same });
    for (const { runId, what, workflowId } of relatives) {
      const known = problems.some((problem) => problem.what === workflowId);
      if (known || there.has(`${workflowId} ${runId}`)) continue;
      const problem = `the bundle lacks the history of ${workflowId} (run ${runId}), ${what}`;
      result.problems.push({ file: workflowId, problem });
    }
  }
  return result;
}

async function checkSizes(folder: string, files: readonly string[]): Promise<void> {
  const { allBytes, histories, historyBytes } = bundleLimits;
  const fail = (what: string) => new GuardError(ErrorCode.BadInput, `${folder}: ${what}`);
  if (files.length > histories)
    throw fail(`lists ${files.length} histories; a bundle is replayed with at most ${histories}`);
  let bytes = 0;
  for (const file of files) bytes += await boundedSize(folder, file, historyBytes);
  if (bytes > allBytes)
    throw fail(`holds ${inMiB(bytes)} of histories; a bundle is replayed with at most ${inMiB(allBytes)}`);
}
