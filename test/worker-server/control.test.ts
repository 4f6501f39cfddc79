import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { GuardError } from '../../schemas/errors.ts';
import { failed, joinSupervisor, receiveGuests } from '../../worker/server/control.ts';
import { identify } from '../../worker/server/processes.ts';
import type { ServerRecord } from '../../worker/server/record.ts';

const open: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** The record of a supervisor that listens with `server`. */
async function recordOf(server: Server): Promise<ServerRecord> {
  open.push(server);
  server.on('connection', (socket) => sockets.push(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const supervisor = (await identify(process.pid))!;
  const rest = { supervisor, server: null, address: null, uiAddress: null, ready: false };
  return { ...rest, controlPort: port, token: 'right' };
}

/** A supervisor's side that knows the token, and what it was told of its guests. */
async function supervisor() {
  const events: string[] = [];
  const guest = () => events.push('guest');
  const desk = receiveGuests('right', guest, async () => void events.push('empty'));
  return { desk, events, record: await recordOf(desk.server) };
}

describe('joining a supervisor', () => {
  it('makes a guest, who is counted until it leaves', async () => {
    const { desk, events, record } = await supervisor();
    desk.say('welcome 127.0.0.1:7233 -');
    const [first, second] = await Promise.all([joinSupervisor(record), joinSupervisor(record)]);
    expect(first?.address).toBe('127.0.0.1:7233');
    await first?.leave();
    expect(events).toEqual(['guest', 'guest']);
    await second?.leave();
    expect(events).toEqual(['guest', 'guest', 'empty']);
  });

  it('takes more than a connection: a stranger keeps no server alive', async () => {
    const { events, record } = await supervisor();
    expect(await joinSupervisor({ ...record, token: 'wrong' })).toBeNull();
    const stranger = connect(record.controlPort, '127.0.0.1');
    await once(stranger, 'connect');
    await once(stranger.destroy(), 'close');
    expect(events).toEqual([]);
  });

  it('waits for a server that is slow, and tells how long and where it starts', async () => {
    const { desk, record } = await supervisor();
    const told: string[] = [];
    const waiting = joinSupervisor(record, {
      onStarting: (address) => told.push(address),
      onWait: () => told.push('waits'),
    });
    desk.say('starting 127.0.0.1:1');
    while (told.length < 2) await sleep(20);
    desk.say('welcome 127.0.0.1:1 http://127.0.0.1:2');
    const guest = await waiting;
    expect(told).toEqual(['127.0.0.1:1', 'waits']);
    expect(guest?.uiAddress).toBe('http://127.0.0.1:2');
    await guest?.leave();
  });

  it('ends when whoever waits is interrupted, and when the start fails', async () => {
    const { desk, events, record } = await supervisor();
    const signal = AbortSignal.timeout(100);
    await expect(joinSupervisor(record, { signal })).rejects.toThrow(/timeout/);
    while (events.length < 2) await sleep(20);
    desk.say(failed(new GuardError('UNAVAILABLE', 'no memory')));
    await expect(joinSupervisor(record)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'no memory' });
  });

  it('knows when its supervisor is gone', async () => {
    const { desk, record } = await supervisor();
    const gone = joinSupervisor({ ...record, supervisor: { ...record.supervisor, began: 'before' } });
    expect(await gone).toBeNull();
    desk.say('welcome 127.0.0.1:7233 -');
    const [guest, other] = await Promise.all([joinSupervisor(record), joinSupervisor(record)]);
    await other?.leave();
    for (const socket of sockets) socket.destroy();
    await guest?.lost;
  });

  it('is refused by another program that has the port now, whatever it says', async () => {
    const record = await recordOf(createServer((socket) => socket.end('220 mail ready\r\n')));
    expect(await joinSupervisor(record)).toBeNull();
  });
});
