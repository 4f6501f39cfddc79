import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { commandLine, endProcess } from './processes.ts';

/** What a supervisor writes about itself for the commands that want to join. */
const ServerRecord = z.object({
  supervisorPid: z.number().int().positive(),
  serverPid: z.number().int().positive(),
  controlPort: z.number().int(),
  /** Whoever can read the file may join. */
  token: z.string(),
  address: z.string(),
  uiAddress: z.string().nullable(),
  database: z.string(),
});
export type ServerRecord = z.infer<typeof ServerRecord>;

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

/**
 * Ends a server whose supervisor was killed, so that its database is free. A process id may have been given to
 * somebody else by now: only a process that works on our database is ended.
 */
export async function clearLeftovers(stateDir: string, record: ServerRecord): Promise<void> {
  const command = await commandLine(record.serverPid);
  if (command?.includes(record.database)) await endProcess(record.serverPid);
  await rm(recordPath(stateDir), { force: true });
}
