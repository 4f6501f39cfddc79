import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { ServerRecord } from './record.ts';

/**
 * A command uses the server for as long as it holds a connection to the supervisor: the system closes it however the
 * command ends, so that nobody is forgotten and nobody is kept by mistake.
 */
export interface Guest {
  address: string;
  uiAddress: string | null;
  /** Resolves when the supervisor has let go; for the last guest that is after the server has stopped. */
  leave(): Promise<void>;
}

const answerMs = 5_000;
const welcome = 'welcome\n';

/** Null: the supervisor is gone or about to go. */
export function joinSupervisor(record: ServerRecord): Promise<Guest | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: record.controlPort, allowHalfOpen: true });
    const refuse = () => {
      socket.destroy();
      resolve(null);
    };
    socket.setTimeout(answerMs, refuse);
    socket.once('error', refuse);
    socket.once('end', refuse);
    socket.once('close', () => resolve(null));
    socket.once('connect', () => socket.write(`${record.token}\n`));
    socket.once('data', (data) => {
      // The port of a supervisor that is gone may be another program's by now.
      if (data.toString('utf8') !== welcome) return refuse();
      socket.setTimeout(0);
      socket.off('end', refuse);
      socket.off('error', refuse);
      socket.on('error', () => {});
      resolve(guest(socket, record));
    });
  });
}

function guest(socket: Socket, record: ServerRecord): Guest {
  // The connection alone shall not keep a command alive that has nothing left to do.
  socket.unref();
  socket.resume();
  return {
    address: record.address,
    uiAddress: record.uiAddress,
    leave: () =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        socket.ref();
        // The supervisor half-closes when it has let go; what was open on our side goes with it.
        const done = () => {
          socket.destroy();
          resolve();
        };
        socket.once('end', done);
        socket.once('close', done);
        socket.end();
      }),
  };
}

/**
 * The supervisor's side: counts guests, calls `onGuest` for each of them, and `onEmpty` when the last has gone; connections end when
 * it is done. Whoever does not know the token is no guest.
 */
export function receiveGuests(token: string, onGuest: () => void, onEmpty: () => Promise<void>): Server {
  const guests = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (data) => {
      if (data.toString('utf8').trim() !== token) return socket.destroy();
      guests.add(socket);
      onGuest();
      socket.write(welcome);
      socket.resume();
      const gone = async () => {
        if (!guests.delete(socket)) return;
        if (guests.size === 0) await onEmpty();
        socket.end();
      };
      socket.once('end', gone);
      socket.once('close', gone);
    });
  });
  return server;
}
