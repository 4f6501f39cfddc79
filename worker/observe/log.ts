import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEntry } from '@temporalio/worker';
import { LogSettings } from '../../schemas/observe.ts';
import { makeRoom } from './rotate.ts';

interface ErrorText {
  type: string;
  message: string;
  stack?: string;
  cause?: ErrorText;
}

/** An error with its message and causes: failures of Temporal have no stack, and their names say little. */
export function errorText(error: Error, depth = 0): ErrorText {
  const { cause, message, name, stack } = error;
  const { type = name } = error as { type?: string | null };
  return {
    type: type ?? name,
    message,
    ...(stack?.includes('\n') ? { stack } : {}),
    ...(cause instanceof Error && depth < 5 ? { cause: errorText(cause, depth + 1) } : {}),
  };
}

/** For JSON: no cycles, big numbers as text, errors with their message. */
function plainly() {
  const seen = new Set<unknown>();
  return (_key: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Error) return errorText(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return '[seen]';
    seen.add(value);
    return value;
  };
}

/** Fields of the SDK that say nothing to people. */
const noise = new Set(['taskToken', 'isLocal', 'activityId', 'namespace']);

/** A line for programs: time, level, message, and where they are known workflow, run, step and attempt; then what else there is. */
export function jsonLine(level: string, message: string, meta: Record<string, unknown> = {}): string {
  const { activityType: step, workflowRunId, runId = workflowRunId, error, ...rest } = meta;
  const { attempt, workflowId, workflowType, ...others } = rest;
  const details = Object.fromEntries(Object.entries(others).filter(([name]) => !noise.has(name)));
  const line = {
    time: new Date().toISOString(),
    level,
    message,
    workflowId,
    runId,
    workflowType,
    step,
    attempt,
    error,
    ...details,
  };
  return JSON.stringify(line, plainly());
}

let target: { file: string | null; settings: LogSettings } = { file: null, settings: LogSettings.parse({}) };

/** From now on messages go to worker.log of the state folder, or as JSON to stderr. */
export function logInto(stateDir: string, settings: LogSettings = LogSettings.parse({})): void {
  target = { file: join(stateDir, 'worker.log'), settings };
}

export function write({ level, message, meta }: LogEntry): void {
  const { file, settings } = target;
  if (settings.format === 'json') {
    process.stderr.write(`${jsonLine(level, message, meta)}\n`);
    return;
  }
  if (file === null) return;
  const details = meta === undefined ? '' : ` ${JSON.stringify(meta, plainly())}`;
  const line = `${new Date().toISOString()} ${level} ${message}${details}\n`;
  try {
    makeRoom(file, Buffer.byteLength(line), {
      maxBytes: settings.maxMegabytes * 1_000_000,
      files: settings.files,
    });
    appendFileSync(file, line);
  } catch {
    // A full disk or a removed folder is reported by the step that it stops; a message about it must not be another.
  }
}
