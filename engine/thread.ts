// Threads have the environment that the process has when they are made.
import './telemetry.ts';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, type TransferListItem, Worker, workerData } from 'node:worker_threads';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

export interface ThreadOptions<P> {
  /** Asks the thread to stop; it is terminated where it has not stopped after `graceMs`. */
  signal?: AbortSignal;
  onProgress?: (progress: P) => void;
  /** Buffers of the input that move instead of being copied; the caller cannot use them afterwards. */
  transfer?: TransferListItem[];
  /** Milliseconds between the signal and termination; 5 s by default. */
  graceMs?: number;
}

/** A thread that runs native code ends when that returns. One that has not ended by then is given up. */
const terminationMs = 2000;

const hung = new EventTarget();
let hungThreads = 0;
let guarded = false;

/** Calls `act` when a thread does not end although it was terminated: it hangs in native code, and holds what it holds until the process ends. */
export function onHungThread(act: () => void): () => void {
  hung.addEventListener('hung', act);
  return () => hung.removeEventListener('hung', act);
}

/** Node waits at its end for all threads, and so for ever for this one. */
function giveUp(worker: Worker): void {
  worker.unref();
  if (!guarded) process.once('exit', () => hungThreads > 0 && process.kill(process.pid, 'SIGKILL'));
  guarded = true;
  hungThreads++;
  worker.once('exit', () => hungThreads--);
  hung.dispatchEvent(new Event('hung'));
}

/** What a thread's handler gets beside its input. */
export interface ThreadContext<P> {
  /** True once the caller wants the work to end; check between session runs. */
  aborted(): boolean;
  progress(progress: P): void;
}

interface ThreadData {
  input: unknown;
  abort: Int32Array<SharedArrayBuffer>;
}

type Message<O, P> =
  | { kind: 'progress'; progress: P }
  | { kind: 'result'; result: O }
  | { kind: 'error'; code: ErrorCode | null; name: string; message: string; stack: string };

/** The error of work that was asked to stop. */
export function cancelled(what: string): GuardError {
  return new GuardError(ErrorCode.Cancelled, `${what} was cancelled`);
}

/**
 * Runs `entry` (a module that calls `serveThread`) in a worker thread, so that the caller's event loop stays free.
 * Rejects with the thread's error, GuardError code and message kept, and with GuardError CANCELLED after the signal.
 */
export function runInThread<I, O, P = unknown>(
  entry: URL,
  input: I,
  options: ThreadOptions<P> = {},
): Promise<O> {
  const { signal, onProgress, transfer, graceMs = 5000 } = options;
  if (signal?.aborted) return Promise.reject(cancelled('the work'));
  const abort = new Int32Array(new SharedArrayBuffer(4));
  const workerInput: ThreadData = { input, abort };
  return new Promise<O>((resolve, reject) => {
    const worker = new Worker(entry, {
      workerData: workerInput,
      ...(transfer ? { transferList: transfer } : {}),
    });
    let grace: NodeJS.Timeout | undefined;
    const settle = (end: () => void) => {
      clearTimeout(grace);
      signal?.removeEventListener('abort', onAbort);
      end();
      void worker.terminate();
    };
    const terminate = () => {
      void worker.terminate();
      grace = setTimeout(() => {
        settle(() => reject(cancelled('the work')));
        giveUp(worker);
      }, terminationMs);
    };
    const onAbort = () => {
      Atomics.store(abort, 0, 1);
      grace = setTimeout(terminate, graceMs);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    worker.on('message', (message: Message<O, P>) => {
      if (message.kind === 'progress') onProgress?.(message.progress);
      else if (message.kind === 'result') settle(() => resolve(message.result));
      else settle(() => reject(rebuild(message)));
    });
    worker.on('error', (error) => settle(() => reject(error)));
    worker.on('exit', (code) => {
      const error = signal?.aborted
        ? cancelled('the work')
        : new Error(`a worker thread ended with code ${code}`);
      settle(() => reject(error));
    });
  });
}

function rebuild(message: { code: ErrorCode | null; name: string; message: string; stack: string }): Error {
  const { code, name, stack } = message;
  if (code) return Object.assign(new GuardError(code, message.message), { stack });
  return Object.assign(new Error(message.message), { name, stack });
}

/** Called once by a thread's entry module: runs the handler on the caller's input and sends back what it returns. */
export function serveThread<I, O, P = unknown>(
  handler: (input: I, context: ThreadContext<P>) => Promise<O>,
): void {
  const port = parentPort;
  if (!port) throw new Error('serveThread was called outside a worker thread');
  const { input, abort } = workerData as ThreadData;
  const send = (message: Message<O, P>, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const context: ThreadContext<P> = {
    aborted: () => Atomics.load(abort, 0) !== 0,
    progress: (progress) => send({ kind: 'progress', progress }),
  };
  handler(input as I, context).then(
    (result) => send({ kind: 'result', result }, ownBuffers(result)),
    (cause) => {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      const code = error instanceof GuardError ? error.code : null;
      send({ kind: 'error', code, name: error.name, message: error.message, stack: error.stack ?? '' });
    },
  );
}

/** Buffers that belong to one typed array of the result alone, and so can move instead of being copied. */
function ownBuffers(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    const { buffer } = value;
    const whole = value.byteOffset === 0 && value.byteLength === buffer.byteLength;
    if (whole && buffer instanceof ArrayBuffer && !Buffer.isBuffer(value)) found.add(buffer);
  } else if (Array.isArray(value)) {
    // Long lists of numbers or strings hold no buffers.
    if (typeof value[0] === 'object') for (const item of value) ownBuffers(item, found);
  } else if (value !== null && typeof value === 'object') {
    for (const item of Object.values(value)) ownBuffers(item, found);
  }
  return [...found];
}

/**
 * The module of a thread beside the module `importerUrl`, as something Node can run: threads do not see the test
 * runner's transforms, so from a .ts module it is the compiled file in dist/.
 */
export function threadEntry(importerUrl: string, file: `./${string}.thread.ts`): URL {
  const compiled = file.replace(/\.ts$/, '.js');
  if (!importerUrl.endsWith('.ts')) return new URL(compiled, importerUrl);
  const folder = dirname(fileURLToPath(importerUrl));
  let root = folder;
  while (!existsSync(join(root, 'package.json'))) {
    if (dirname(root) === root) throw new Error(`no package.json above ${folder}`);
    root = dirname(root);
  }
  const target = join(root, 'dist', relative(root, folder), compiled);
  if (!existsSync(target)) {
    throw new GuardError(
      ErrorCode.Unavailable,
      `${relative(root, target)} is absent; run \`npm run build\` first`,
    );
  }
  return pathToFileURL(target);
}
