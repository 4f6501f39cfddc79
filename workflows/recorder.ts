import { proxySinks, type Sinks, type WorkflowInterceptors, workflowInfo } from '@temporalio/workflow';

/** The task queues of replays begin so: nothing is recorded in any other worker. */
export const replayQueue = 'strict-replay';

/** What a workflow told its worker to do, as plain data; bytes as they are. */
export type RecordedCommand = Record<string, unknown>;

export interface RecorderSinks extends Sinks {
  recorder: {
    /** All commands of one activation, in their order. */
    commands(commands: RecordedCommand[]): void;
    /** A signal came to a handler. */
    signal(name: string): void;
  };
}

/** Hands what a replayed workflow does to the one who compares it with the history. */
export function interceptors(): WorkflowInterceptors {
  if (!workflowInfo().taskQueue.startsWith(replayQueue)) return {};
  const { recorder } = proxySinks<RecorderSinks>();
  return {
    inbound: [
      {
        handleSignal(input, next) {
          recorder.signal(input.signalName);
          return next(input);
        },
      },
    ],
    internals: [
      {
        concludeActivation(input, next) {
          const output = next(input);
          recorder.commands(output.commands.map((command) => plain(command) as RecordedCommand));
          return output;
        },
      },
    ],
  };
}

/** Numbers of 64 bits come as objects of two halves. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(plain);
  const { high, low } = value as { low?: unknown; high?: unknown };
  if (typeof low === 'number' && typeof high === 'number') return high * 2 ** 32 + (low >>> 0);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
