import { ErrorCode, GuardError } from '../../schemas/errors.ts';

const loopback = '127.0.0.1';

/** "9464", "host:9464" or "[::1]:9464". */
export function listenAt(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  const host = at < 0 ? loopback : text.slice(0, at).replace(/^\[|\]$/g, '');
  return { host, port: Number(text.slice(at + 1)) };
}

export function cannotListen(setting: string, address: string, cause: unknown): GuardError {
  const { host, port } = listenAt(address);
  const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
  const message = `${setting}: nothing can listen on ${host}:${port} (${why}); choose another port, or end what listens there`;
  return new GuardError(ErrorCode.Unavailable, message, { cause });
}

/** The values of the environment variables that settings name. @throws GuardError BadConfig naming the one that is not set */
export function fromEnvironment(
  setting: string,
  names: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).map(([key, name]) => {
      const value = process.env[name];
      if (value) return [key, value];
      const message = `${setting}.${key}: the environment has no ${name}; set it where the worker is started`;
      throw new GuardError(ErrorCode.BadConfig, message);
    }),
  );
}
