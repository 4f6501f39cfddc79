import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Session, WorkOptions } from '../worker/index.ts';
import type { DeviceFlags, ProjectFlags } from './flags.ts';
import type { Output } from './output.ts';
import { onNpmGone } from './parent.ts';

/** Loaded on demand: `--help` and usage errors need no Temporal client. */
export type Api = typeof import('../worker/index.ts');

export function loadApi(): Promise<Api> {
  return import('../worker/index.ts');
}

/** The options, once all that they name was looked for; no server is started and nothing is asked before. */
export async function lookedFor<Kind extends keyof WorkOptions>(
  kind: Kind,
  flags: ProjectFlags,
  options: WorkOptions[Kind],
  output: Output,
): Promise<WorkOptions[Kind]> {
  const api = await loadApi();
  return api.checkWork(kind, projectOptions(flags), options, output.log);
}

/** What the project flags mean to the functions of worker/. */
export function projectOptions(flags: ProjectFlags & DeviceFlags) {
  return {
    ...(flags.config ? { configFile: flags.config } : {}),
    ...(flags.stateDir ? { stateDir: flags.stateDir } : {}),
    ...(flags.ui ? { ui: true } : {}),
    ...(flags.device === undefined ? {} : { device: flags.device }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.uiPort === undefined ? {} : { uiPort: flags.uiPort }),
  };
}

/** Time for the error to be printed. */
const exitMs = 300;

export interface Work {
  session: Session;
  api: Api;
  /** Aborted by the first interrupt; the second ends the process. */
  signal: AbortSignal;
}

/**
 * Opens a session, runs `use` and closes the session however it ends. `worker`: whether this process does the work, or is a client
 * of who does.
 */
export async function withSession<T>(
  flags: ProjectFlags & DeviceFlags,
  output: Output,
  worker: boolean,
  use: (work: Work) => Promise<T>,
): Promise<T> {
  return withInterrupt(async (signal) => {
    const api = await loadApi();
    const session = await api.openSession({ ...projectOptions(flags), worker, log: output.log, signal });
    let answers = true;
    session.diskFull.catch(() => {
      answers = false;
    });
    try {
      signal.throwIfAborted();
      if (session.uiAddress) output.log(`Temporal's web UI: ${session.uiAddress}`);
      // Of a worker that ends in order nothing follows; one that fails leaves nobody to do what is waited for.
      const workerFailed = session.workerDone.then(() => new Promise<never>(() => {}));
      return await Promise.race([use({ session, api, signal }), session.diskFull, workerFailed]);
    } catch (error) {
      throw api.asServerError(error, session);
    } finally {
      // A server without room answers nothing, so nothing can be closed in order. Ours stops when we are gone.
      if (answers) await session.close();
      else setTimeout(() => process.exit(), exitMs);
    }
  });
}

/** Runs `use` with a signal that the first SIGINT or SIGTERM aborts, or the end of the npx that started us, with this message. `say` tells people. */
export async function withInterrupt<T>(
  use: (signal: AbortSignal) => Promise<T>,
  message = 'Interrupted. What was started is kept and can be taken up again.',
  say = (line: string): void => {
    process.stderr.write(`\n${line}\n`);
  },
): Promise<T> {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const abort = (why: string) => {
    say(`${why}: stopping; once more to end at once.`);
    controller.abort(new GuardError(ErrorCode.Cancelled, message));
  };
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(1);
    abort(name);
  };
  for (const name of names) process.on(name, stop);
  const unwatch = onNpmGone(() => {
    if (!controller.signal.aborted) abort('npm has ended');
  });
  try {
    return await use(controller.signal);
  } finally {
    unwatch();
    for (const name of names) process.off(name, stop);
  }
}
