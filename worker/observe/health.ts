import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cannotListen, listenAt } from './address.ts';

/** Null: all is well; otherwise why not. */
export type Check = () => Promise<string | null> | string | null;

export interface Health {
  /** host:port. */
  address: string;
  close(): Promise<void>;
}

/** Serves /healthz (the process works) and /readyz (it takes tasks): 200 or 503, with JSON. @throws GuardError Unavailable */
export async function serveHealth(
  address: string,
  checks: { healthz: Check; readyz: Check },
): Promise<Health> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`);
    };
    const name = request.url?.split('?')[0]?.slice(1) ?? '';
    if (name !== 'healthz' && name !== 'readyz')
      return answer(404, { error: 'there are /healthz and /readyz' });
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, { error: 'GET or HEAD' });
    Promise.resolve(checks[name]())
      .catch((error: Error) => error.message)
      .then((reason) =>
        answer(
          reason === null ? 200 : 503,
          reason === null ? { status: 'ok' } : { status: 'failing', reason },
        ),
      );
  });
  const { host, port } = listenAt(address);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw cannotListen('observe.health', address, cause);
  }
  // It alone shall keep no process alive.
  server.unref();
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
