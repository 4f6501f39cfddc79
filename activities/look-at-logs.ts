import { Context } from '@temporalio/activity';
import type { WatchedFiles } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { isUnchanged, type Look, lookAtFolder } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { alive, asFailure } from './step.ts';

export interface LookAtLogsInput {
  logs: string;
  /** The folder's listing at the last look, where nothing else has to be looked at: the files are asked for if it is another. */
  listing?: string;
  /** Files that could not be opened then. */
  closed?: string[];
  files?: WatchedFiles;
}

/** `away`: why the folder cannot be listed. `unchanged`: it lists as it did. `changed`: ask again with the files. */
export type LookAtLogsOutput = { away: string } | { unchanged: true } | { changed: true } | Look;

/** Looks for request logs that were not seen yet, and reads and checks them. */
export function lookAtLogs({ checkSource }: Pick<ActivityDeps, 'checkSource'>) {
  return async ({ closed = [], files, listing, logs }: LookAtLogsInput): Promise<LookAtLogsOutput> => {
    const stop = alive('request logs');
    const { cancellationSignal: signal } = Context.current();
    try {
      await checkSource?.(logs);
      if (files === undefined) {
        const same = listing !== undefined && (await isUnchanged(logs, listing, closed));
        return same ? { unchanged: true } : { changed: true };
      }
      return await lookAtFolder(logs, files, { now: new Date().toISOString(), signal });
    } catch (error) {
      if (error instanceof GuardError && error.code === ErrorCode.Unavailable) return { away: error.message };
      throw asFailure(error);
    } finally {
      stop();
    }
  };
}
