import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ProcessIdentity } from './processes.ts';

/** What a supervisor writes about itself for the commands that want to join. */
const ServerRecord = z.object({
  supervisor: ProcessIdentity,
  /** Null until there is one. */
  server: ProcessIdentity.nullable(),
  controlPort: z.number().int().positive(),
  /** Whoever can read the file may join. */
  token: z.string(),
  /** Null until it is chosen. */
  address: z.string().nullable(),
  uiAddress: z.string().nullable(),
  /** The server takes requests. */
  ready: z.boolean(),
});
export type ServerRecord = z.infer<typeof ServerRecord>;

/** Held by the supervisor as long as it lives: one owner, one server. */
export const ownerLock = 'owner.lock';
/** Held by a command while it looks for the server, or begins one. */
export const startLock = 'starting.lock';

export function serverFolder(stateDir: string): string {
  return join(stateDir, 'server');
}

export function recordPath(stateDir: string): string {
  return join(serverFolder(stateDir), 'server.json');
}

/** Null: no server is known to run (a damaged record counts as none). */
export async function readRecord(stateDir: string): Promise<ServerRecord | null> {
  try {
    return ServerRecord.parse(JSON.parse(await readFile(recordPath(stateDir), 'utf8')));
  } catch {
    return null;
  }
}
