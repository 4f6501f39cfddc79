import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { packageFolder } from '../../worker/config.ts';

export const historiesFolder = join(packageFolder(), 'test/histories');

interface HistoryJson {
  events: { workflowExecutionStartedEventAttributes?: { workflowId?: string } }[];
}

/** Keeps the history of a case for the replay tests; only with RECORD_HISTORIES=1. */
export async function keepHistory(client: Client, name: string, workflowId: string): Promise<void> {
  if (process.env.RECORD_HISTORIES !== '1') return;
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const { serverVersion } = await client.connection.workflowService.getSystemInfo({});
  const { version } = createRequire(import.meta.url)('@temporalio/workflow/package.json') as {
    version: string;
  };
  const file = join(historiesFolder, `${name}_${version}_${serverVersion}.json`);
  await writeFile(file, `${JSON.stringify(withoutPlaces(JSON.parse(historyToJSON(history))))}\n`);
}

/** Folders of the machine that recorded are nobody's business. Replay does not look at the texts that name them. */
function withoutPlaces(value: unknown): unknown {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    if (key !== 'data' || typeof inner !== 'string') return [key, withoutPlaces(inner)];
    return [key, Buffer.from(clean(Buffer.from(inner, 'base64').toString('utf8'))).toString('base64')];
  });
  return Object.fromEntries(entries);
}

function clean(text: string): string {
  const places = [packageFolder(), tmpdir()].map((place) => place.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return text.replaceAll(new RegExp(`(file://)?(${places.join('|')})(/[^\\s":,)]*)?`, 'g'), 'somewhere');
}

export async function keptHistories(): Promise<{ file: string; workflowId: string; history: HistoryJson }[]> {
  const files = (await readdir(historiesFolder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => {
      const history = JSON.parse(await readFile(join(historiesFolder, file), 'utf8')) as HistoryJson;
      const workflowId = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? file;
      return { file, workflowId, history };
    }),
  );
}
