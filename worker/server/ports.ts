import { createServer } from 'node:net';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

const usualPort = 7233;
const usualUiPort = 8233;

export interface Ports {
  port: number;
  /** Null: no web UI. */
  uiPort: number | null;
}

export interface PortWish {
  /** A fixed port; unset: the usual one, or a free one. */
  port?: number | undefined;
  uiPort?: number | undefined;
  ui?: boolean | undefined;
}

/**
 * A port that the user fixed must be free; otherwise the one of the server before (`before`: its address), whose commands still
 * call it, the usual one or, where it is taken or not `usual`, any free one.
 */
export async function choosePorts(
  wish: PortWish,
  { before = null, usual = true }: { usual?: boolean; before?: string | null } = {},
): Promise<Ports> {
  const last = Number(before?.split(':').at(-1)) || null;
  const kept = wish.port === undefined && usual && last !== null && (await isFree(last));
  const port = kept ? last : await choose(wish.port, usual ? usualPort : null, '--port');
  return {
    port,
    uiPort: wish.ui ? await choose(wish.uiPort, usual ? usualUiPort : null, '--ui-port') : null,
  };
}

async function choose(fixed: number | undefined, usual: number | null, flag: string): Promise<number> {
  if (fixed === undefined) return usual !== null && (await isFree(usual)) ? usual : freePort();
  if (await isFree(fixed)) return fixed;
  throw new GuardError(
    ErrorCode.Unavailable,
    `Port ${fixed} on 127.0.0.1 is taken by another program. Choose another with ${flag}, leave the flag out to get a free one, ` +
      `or, if a Temporal server runs there, use it: TEMPORAL_ADDRESS=127.0.0.1:${fixed}.`,
  );
}

async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== null;
}

async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === null) throw new GuardError(ErrorCode.Unavailable, 'No free port on 127.0.0.1 is to be had.');
  return port;
}

function listenOnce(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : null));
    });
  });
}
