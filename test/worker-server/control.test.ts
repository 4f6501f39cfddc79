import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { joinSupervisor, receiveGuests } from '../../worker/server/control.ts';
import type { ServerRecord } from '../../worker/server/record.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** The record of a supervisor that listens with `server`. */
async function recordOf(server: Server): Promise<ServerRecord> {
  open.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const rest = { supervisorPid: 1, serverPid: 1, database: 'db' };
  return { ...rest, controlPort: port, token: 'right', address: '127.0.0.1:7233', uiAddress: null };
}

/** A supervisor's side that knows the token, and what it was told of its guests. */
async function supervisor() {
  const events: string[] = [];
  const guest = () => events.push('guest');
  const record = await recordOf(receiveGuests('right', guest, async () => void events.push('empty')));
  return { events, record };
}

describe('joining a supervisor', () => {
  it('makes a guest, who is counted until it leaves', async () => {
    const { events, record } = await supervisor();
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

  it('is refused by another program that has the port now, whatever it says', async () => {
    const record = await recordOf(createServer((socket) => socket.end('220 mail ready\r\n')));
    expect(await joinSupervisor(record)).toBeNull();
  });
});
