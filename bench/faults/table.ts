import type { Batch } from './batch.ts';
import { faultNames } from './faults.ts';
import { operationNames } from './operations.ts';
import type { Trial } from './trial.ts';

/** One line by operation and fault: how many were tried, and of how many everything was right. */
export function tableOf(trials: readonly Trial[], batches: readonly Batch[]): string {
  const rows = [
    [
      'operation',
      'fault',
      'tried',
      'right end state',
      'digests equal',
      'trail whole',
      'commands given again',
    ],
  ];
  const row = (name: string, fault: string, some: readonly Trial[]) => {
    const count = (holds: (trial: Trial) => boolean) => String(some.filter(holds).length);
    rows.push([
      name,
      fault,
      String(some.length),
      count(({ state }) => state === null),
      count(({ differing, state }) => state === null && differing.length === 0),
      count(({ state, trail }) => state === null && trail === null),
      count(({ said }) => said.length > 0),
    ]);
  };
  for (const operation of operationNames)
    for (const fault of faultNames) {
      const some = trials.filter((trial) => trial.operation === operation && trial.fault === fault);
      if (some.length > 0) row(operation, fault, some);
    }
  row('all', '', trials);
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  lines.splice(1, 0, `|${rows[0]!.map(() => ' --- |').join('')}`);
  const sum = (of: (batch: Batch) => number) => batches.reduce((total, batch) => total + of(batch), 0);
  return [
    ...lines,
    '',
    `Left behind at the end of ${batches.length} batches: ${sum(({ processes }) => processes)} processes, ${sum(({ files }) => files.length)} files of locks and unfinished work. ` +
      `At no look did more than ${Math.max(0, ...batches.map(({ mostServers }) => mostServers))} server work on a database. Workers were started ${sum(({ starts }) => starts)} times.`,
  ].join('\n');
}

export const wrong = ({ differing, state, trail }: Trial) =>
  state !== null || differing.length > 0 || trail !== null;
