import { createReadStream } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { z } from 'zod';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';

export const bundleName = 'bundle.json';

export const Bundle = z.strictObject({
  kind: z.literal('audit-bundle'),
  workflowId: z.string(),
  exportedAt: z.string(),
  /** Version of the workflow SDK that wrote the histories. */
  sdk: z.string(),
  /** Digest of the workflow code that exported it. Absent: a version of before. */
  code: z.string().optional(),
  histories: z.array(
    // In the bundle: it may come from somebody else.
    z.strictObject({
      file: z.string().regex(/^histories\/[\w.-]+$/),
      workflowId: z.string(),
      runId: z.string(),
      type: z.string(),
      /** Digest of the workflow code that the history names; null: it names none. */
      code: z.string().nullable().optional(),
      /** Where it was found, and whether it goes to the workflow's end. */
      from: z.enum(['server', 'store']).optional(),
      ended: z.boolean().optional(),
    }),
  ),
  /** What should be in the bundle and is not. */
  problems: z.array(z.strictObject({ what: z.string(), problem: z.string() })).optional(),
});
export type Bundle = z.infer<typeof Bundle>;

const mib = 1024 * 1024;

/** What a bundle may hold at most, so that one from somebody else costs no more than this. */
export const bundleLimits = {
  /** Of bundle.json and of SHA256SUMS, each. */
  listBytes: 16 * mib,
  histories: 1000,
  /** A server ends an execution at 50 MB, which is more as JSON. */
  historyBytes: 128 * mib,
  allBytes: 1024 * mib,
  /** A server ends an execution there. */
  events: 51_200,
};

export const inMiB = (bytes: number) => `${Math.round(bytes / mib)} MiB`;

/**
 * The size of a file of a bundle: a plain file within it, and no longer than `most` bytes.
 * @throws GuardError BadInput naming file and limit
 */
export async function boundedSize(folder: string, file: string, most: number): Promise<number> {
  const path = join(folder, file);
  const fail = (what: string, cause?: unknown) =>
    new GuardError(ErrorCode.BadInput, `${path}: ${what}`, { cause });
  const found = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    throw fail(`${whyUnreadable(cause)}; \`audit export\` writes one`, cause);
  });
  if (!found.isFile()) throw fail('is a link, a folder or a device; a bundle holds plain files alone');
  const within = (await realpath(folder)) + sep;
  if (!(await realpath(path)).startsWith(within)) throw fail('lies outside of the bundle');
  if (found.size > most)
    throw fail(`has ${inMiB(found.size)}; a bundle is read with at most ${inMiB(most)} in this file`);
  return found.size;
}

/** Reads no more than `most` bytes, also of a file that grows meanwhile. @throws GuardError BadInput */
export async function readBounded(folder: string, file: string, most: number): Promise<string> {
  const size = await boundedSize(folder, file, most);
  if (size === 0) return '';
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(join(folder, file), { end: size - 1 })) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** A JSON file of a bundle. @throws GuardError BadInput naming it */
export async function readPart<T>(
  [folder, file]: [folder: string, file: string],
  [what, most]: [what: string, most: number],
  parse: (json: unknown) => T,
): Promise<T> {
  const text = await readBounded(folder, file, most);
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    const message = `${join(folder, file)}: not ${what} (${(cause as Error).message}); \`audit export\` writes one`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
}

export const readBundle = (folder: string): Promise<Bundle> =>
  readPart([folder, bundleName], ['an audit bundle', bundleLimits.listBytes], (json) => Bundle.parse(json));
