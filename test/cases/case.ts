import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { readParquet, readSamples } from '../../store/index.ts';
import { type Ended, modalityGuard } from '../cli/command.ts';
import { rejectColumns } from '../ingest/layouts.ts';
import { make, Recipe } from './make.ts';

const folder = dirname(fileURLToPath(import.meta.url));

/** What a command is held to; what is absent is not looked at. Texts are regular expressions. */
const Run = z.strictObject({
  /** Arguments of modality-guard. */
  command: z.array(z.coerce.string()),
  env: z.record(z.string(), z.string()).default({}),
  /** Without a Temporal server that is there already. */
  alone: z.boolean().default(false),
  exit: z.number().default(0),
  stdout: z.array(z.string()).default([]),
  stderr: z.array(z.string()).default([]),
  /** Requests for an answer that the model server gets. */
  requests: z.number().optional(),
  /** Part of the JSON on stdout. */
  result: z.record(z.string(), z.unknown()).optional(),
  /** Of samples.parquet in `out`: a part of each row; `right` is the text of the right option. */
  samples: z.array(z.record(z.string(), z.unknown())).optional(),
  /** Of rejects.parquet in `out`, in any order. */
  rejects: z
    .array(
      z.strictObject({ row: z.number(), field: z.string(), why: z.string(), file: z.string().optional() }),
    )
    .optional(),
});

const Case = z.strictObject({
  /** What was wrong, in a sentence. */
  about: z.string(),
  /** Files that cannot be kept as text. */
  make: z.record(z.string(), Recipe).default({}),
  runs: z.array(Run).default([]),
  /** Pictures whose RGB is Pillow's. */
  pixels: z.array(z.string()).default([]),
});
export type Case = z.infer<typeof Case>;
export type Run = z.infer<typeof Run>;

/** The folders of cases: each has a case.yaml and the files that its commands read. */
export async function caseNames(): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

export async function readCase(name: string): Promise<Case> {
  const path = join(folder, name, 'case.yaml');
  const checked = Case.safeParse(parse(await readFile(path, 'utf8')));
  if (checked.success) return checked.data;
  throw new Error(`${path}:\n${z.prettifyError(checked.error)}`);
}

/** Does work in a copy of a case's folder with the files that are made. */
export async function inCopy(
  name: string,
  one: Case,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), 'guard-case-'));
  try {
    await cp(join(folder, name), copy, { recursive: true });
    for (const [path, recipe] of Object.entries(one.make)) await make(copy, path, recipe);
    await work(copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

export interface Outcome extends Ended {
  samples: Record<string, unknown>[];
  rejects: { file: string; row: number; field: string; why: string }[];
}

/** What commands find on the machine. */
export interface Around {
  /** Address of a Temporal server. */
  temporal: string;
  /** Address of the model server, which commands call {server}. */
  server: string;
}

/** Runs a command in `copy` and reads what it wrote into `out` there. */
export async function runCommand(copy: string, run: Run, { server, temporal }: Around): Promise<Outcome> {
  const command = run.command.map((part) => part.replace('{server}', server));
  const env = { ...run.env, ...(run.alone ? {} : { TEMPORAL_ADDRESS: temporal }) };
  const ended = await modalityGuard(command, { folder: copy, env });
  const path = (name: string) => join(copy, 'out', name);
  const written = await readdir(join(copy, 'out')).catch((): string[] => []);
  const samples = written.includes('samples.parquet') ? await readSamples(path('samples.parquet')) : [];
  const rejects = written.includes('rejects.parquet')
    ? await readParquet(path('rejects.parquet'), rejectColumns)
    : [];
  return {
    ...ended,
    samples: samples.map((sample) => ({
      ...sample,
      right: sample.answer === null ? null : sample.options[sample.answer],
    })),
    rejects: rejects.map(({ row, ...rest }) => ({ ...rest, row: Number(row) })),
  };
}
