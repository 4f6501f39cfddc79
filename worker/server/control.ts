import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { isRunning } from './processes.ts';
import type { ServerRecord } from './record.ts';

/**
 * A command uses the server for as long as it holds a connection to the supervisor: the system closes it however the
 * command ends, so that nobody is forgotten and nobody is kept by mistake. A supervisor says, a line each: `starting
 * <address>`, `welcome <address> <UI address or ->`, `failed <JSON>`, `bye`.
 */
export interface Guest {
  address: string;
  uiAddress: string | null;
  /** Resolves when the supervisor was killed or told to end; never where its server could not go on. */
  lost: Promise<void>;
  /** Resolves when the supervisor has let go; for the last guest that is after the server has stopped. */
  leave(): Promise<void>;
}

export interface JoinOptions {
  /** The server is being started at this address. */
  onStarting?: (address: string) => void;
  /** Called every second while the supervisor lives and has no server yet. */
  onWait?: (seconds: number) => void;
  signal?: AbortSignal | undefined;
}

const lookMs = 1_000;

/**
 * Joins a supervisor and waits, for as long as it lives, until its server takes requests. Null: it is gone or about to go.
 * @throws GuardError Unavailable where its server could not be started, and the signal's reason
 */
export function joinSupervisor(record: ServerRecord, options: JoinOptions = {}): Promise<Guest | null> {
  const { onStarting, onWait, signal } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: record.controlPort, allowHalfOpen: true });
    const began = Date.now();
    const timer = setInterval(async () => {
      if ((await isRunning(record.supervisor)) === false) end(null);
      else onWait?.((Date.now() - began) / 1000);
    }, lookMs);
    let ended = false;
    const settle = () => {
      ended = true;
      clearInterval(timer);
      signal?.removeEventListener('abort', abort);
    };
    const end = (guest: Guest | null, error?: unknown) => {
      if (ended) return;
      settle();
      if (!guest) socket.destroy();
      if (error) reject(error);
      else resolve(guest);
    };
    const abort = () => end(null, signal?.reason);
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    socket.on('error', () => end(null));
    socket.once('end', () => end(null));
    socket.once('close', () => end(null));
    socket.once('connect', () => socket.write(`${record.token}\n`));
    const lines = linesOf(socket, (line) => {
      const [word, ...rest] = line.split(' ');
      if (word === 'starting') return onStarting?.(rest[0] ?? '');
      if (word === 'failed') return end(null, asError(rest.join(' ')));
      if (word === 'welcome' && rest[0]) {
        lines.stop();
        return end(guest(socket, rest[0], rest[1] === '-' ? null : (rest[1] ?? null)));
      }
      // The port of a supervisor that is gone may be another program's by now.
      end(null);
    });
  });
}

function asError(text: string): GuardError {
  try {
    const { code, message } = JSON.parse(text) as { code: ErrorCode; message: string };
    return new GuardError(code, message);
  } catch (cause) {
    return new GuardError(ErrorCode.Unavailable, text, { cause });
  }
}

function linesOf(socket: Socket, onLine: (line: string) => void): { stop: () => void } {
  let text = '';
  const read = (data: Buffer) => {
    text += data.toString('utf8');
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
      const line = text.slice(0, at);
      text = text.slice(at + 1);
      onLine(line.trim());
    }
    if (text.length > 10_000) onLine(text);
  };
  socket.on('data', read);
  return { stop: () => socket.off('data', read) };
}

function guest(socket: Socket, address: string, uiAddress: string | null): Guest {
  // The connection alone shall not keep a command alive that has nothing left to do.
  socket.unref();
  let parted = false;
  linesOf(socket, (line) => {
    // Another one would do no better.
    parted ||= line.startsWith('failed ');
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  return {
    address,
    uiAddress,
    lost: closed.then(() => (parted ? new Promise<never>(() => {}) : undefined)),
    async leave() {
      parted = true;
      if (!socket.destroyed && !socket.readableEnded) {
        socket.ref();
        socket.end();
        // The supervisor half-closes when it has let go; what was open on our side goes with it.
        await closed;
      }
      socket.destroy();
    },
  };
}

/** The supervisor's side. */
export interface Desk {
  server: Server;
  /** What is said to whoever is here, and comes: the newest line. */
  say(line: string): void;
  guests(): number;
  /** Guests that have been told the newest line. */
  told(): number;
}

/**
 * Counts guests, calls `onGuest` for each of them, and `onEmpty` when the last has gone; connections end when it is done. Whoever
 * does not know the token is no guest.
 */
export function receiveGuests(token: string, onGuest: () => void, onEmpty: () => Promise<void>): Desk {
  const guests = new Set<Socket>();
  let newest: string | null = null;
  let told = 0;
  const tell = (socket: Socket) => {
    if (newest === null) return;
    told++;
    socket.write(`${newest}\n`);
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (data) => {
      if (data.toString('utf8').trim() !== token) return socket.destroy();
      guests.add(socket);
      onGuest();
      tell(socket);
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
  return {
    server,
    say(line) {
      newest = line;
      told = 0;
      for (const socket of guests) tell(socket);
    },
    guests: () => guests.size,
    told: () => told,
  };
}

/** The line about an error. */
export function failed({ code, message }: GuardError): string {
  return `failed ${JSON.stringify({ code, message })}`;
}
