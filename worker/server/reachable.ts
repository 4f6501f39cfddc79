import { connect } from 'node:net';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

const timeoutMs = 5_000;
const usualPort = 7233;

/** Why nobody can be connected to within a time; null: somebody takes connections there. */
export function connectProblem(
  { host, port }: { host: string; port: number },
  timeout: number,
): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (problem: string | null) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end(`no answer within ${timeout / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

/** Says early and plainly that nobody answers at an address, before a client retries for long. */
export async function checkReachable(address: string, from: string): Promise<void> {
  const problem = await connectProblem(parseAddress(address, from), timeoutMs);
  if (problem === null) return;
  throw new GuardError(
    ErrorCode.Unavailable,
    `The Temporal server at ${address} (from ${from}) cannot be reached: ${problem}. Start it, correct the address, ` +
      'or take the address away to have a server started here.',
  );
}

function parseAddress(address: string, from: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:/\s]+)(?::(\d+))?$/.exec(address);
  const port = Number(match?.[2] ?? usualPort);
  if (!match?.[1] || port < 1 || port > 65_535) {
    throw new GuardError(
      ErrorCode.BadConfig,
      `"${address}" (from ${from}) is no address; expected host:port.`,
    );
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}
