import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { EnvHttpProxyAgent, fetch } from 'undici';
import type { Notifier } from '../activities/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Notice, NotifyConfig } from '../schemas/observe.ts';
import { fromEnvironment } from './observe/address.ts';

const shownBytes = 300;

/**
 * Tells people by the webhook or the command of the settings.
 * @throws GuardError BadConfig where the environment lacks what the settings name
 */
export function notifierOf(settings: NotifyConfig): Notifier {
  const { command, on, timeoutSeconds, webhook } = settings;
  const send = webhook ? toWebhook(webhook) : toCommand(command!);
  return {
    wants: (kind) => on.includes(kind),
    send: (notice, signal) =>
      send(notice, AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)])),
  };
}

type Send = (notice: Notice, signal: AbortSignal) => Promise<void>;

function toWebhook({ headers, url, urlFrom }: NonNullable<NotifyConfig['webhook']>): Send {
  const target = url ?? fromEnvironment('notify.webhook', { urlFrom: urlFrom! }).urlFrom!;
  const secret = fromEnvironment('notify.webhook.headers', headers);
  const dispatcher = new EnvHttpProxyAgent();
  // An address may hold a secret, too.
  const named = url === undefined ? `the webhook of ${urlFrom}` : new URL(url).origin;
  return async (notice, signal) => {
    const response = await fetch(target, {
      method: 'POST',
      body: JSON.stringify(notice),
      headers: { 'content-type': 'application/json', 'idempotency-key': notice.id, ...secret },
      redirect: 'error',
      signal,
      dispatcher,
    }).catch((cause: Error) => {
      const why = (cause.cause as NodeJS.ErrnoException | undefined)?.code ?? cause.message;
      throw new GuardError(ErrorCode.Unavailable, `${named} was not reached (${why})`);
    });
    const { ok, status } = response;
    await response.body?.cancel();
    if (ok) return;
    const passing = status >= 500 || status === 408 || status === 425 || status === 429;
    throw new GuardError(
      passing ? ErrorCode.Unavailable : ErrorCode.BadConfig,
      `${named} answered ${status}`,
    );
  };
}

function toCommand([program, ...args]: string[]): Send {
  return async (notice, signal) => {
    const child = spawn(program!, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, GUARD_NOTICE_ID: notice.id, GUARD_NOTICE_KIND: notice.kind },
      signal,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      said = (said + data.toString('utf8')).slice(-shownBytes);
    });
    // A program need not read what it is told.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(notice));
    const failed = (why: string, code: ErrorCode) =>
      new GuardError(code, `notify.command ${program}: ${why}`);
    try {
      const [code, ended] = await once(child, 'close');
      if (code === 0) return;
      const words = said.trim() === '' ? '' : `: ${said.trim()}`;
      throw failed(`ended with ${ended ?? `exit code ${code}`}${words}`, ErrorCode.Unavailable);
    } catch (error) {
      if (error instanceof GuardError) throw error;
      if (signal.aborted) throw failed('did not end in time', ErrorCode.Unavailable);
      throw failed(`cannot be run (${(error as NodeJS.ErrnoException).code})`, ErrorCode.BadConfig);
    }
  };
}
