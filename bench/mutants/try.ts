import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflows, packageFolder, replayStrictly } from '../../worker/index.ts';
import type { Mutant } from './mutant.ts';

export interface Tried {
  mutant: Mutant;
  /** The history that shows it; null: it was not caught. */
  caughtBy: string | null;
  /** What the replay said. */
  message: string;
}

const historiesFolder = join(packageFolder(), 'test/histories');
const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** A copy of the workflows, in which mistakes are made. Removed at the end. */
export async function withCopy<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-mutants-'));
  try {
    for (const part of ['workflows', 'schemas'])
      await cp(join(packageFolder(), part), join(folder, part), { recursive: true });
    await symlink(join(packageFolder(), 'node_modules'), join(folder, 'node_modules'));
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Kept {
  file: string;
  workflowId: string;
  history: unknown;
}

async function historiesOf(histories: readonly string[]): Promise<Kept[]> {
  const files = (await readdir(historiesFolder)).filter((file) => file.endsWith('.json')).sort();
  // In the order in which the mutant names them: the first is the likeliest to show it.
  const wanted = new Set(histories.flatMap((begin) => files.filter((file) => file.startsWith(begin))));
  return Promise.all(
    [...wanted].map(async (file) => {
      const history = JSON.parse(await readFile(join(historiesFolder, file), 'utf8'));
      const started = history.events[0].workflowExecutionStartedEventAttributes;
      return { file, workflowId: started.workflowId ?? file, history };
    }),
  );
}

/** Makes one mistake in the copy, bundles it, replays kept histories until one differs, and takes the mistake back. */
export async function tryMutant(folder: string, mutant: Mutant): Promise<Tried> {
  const { file, name, replace, search } = mutant;
  const path = join(folder, 'workflows', file);
  const right = await readFile(path, 'utf8');
  const places = right.split(search).length - 1;
  if (places !== 1)
    throw new Error(`${file}: what the mutant "${name}" replaces is there ${places} times, not once`);
  try {
    await writeFile(
      path,
      right.replace(search, () => replace),
    );
    const found = await firstDifference(folder, mutant.histories);
    return { mutant, caughtBy: found?.history ?? null, message: found?.message ?? '' };
  } finally {
    await writeFile(path, right);
  }
}

/** Replays kept histories with the code in the copy until one differs; null: none does. */
export async function firstDifference(
  folder: string,
  histories: readonly string[],
): Promise<{ history: string; message: string } | null> {
  const { code } = await bundleWorkflows(join(folder, 'workflows/index.ts'), silent);
  const kept = await historiesOf(histories);
  let i = 0;
  for await (const { differences } of replayStrictly({ workflowBundle: { code } }, kept)) {
    const { file } = kept[i++]!;
    if (differences.length > 0) return { history: file, message: differences[0]!.message };
  }
  return null;
}
