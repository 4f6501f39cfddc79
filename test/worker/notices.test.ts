import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { notify } from '../../activities/notify.ts';
import { type Notice, NotifyConfig } from '../../schemas/observe.ts';
import { taskQueue } from '../../schemas/workflow.ts';
import { historiesOf } from '../../worker/histories.ts';
import { notifierOf } from '../../worker/notifier.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { decideUpdate } from '../../workflows/messages.ts';
import type { rollout } from '../../workflows/rollout.ts';
import { keepHistory } from '../support/histories.ts';
import { openTestBed, type TestBed } from '../support/temporal.ts';
import { answersWith, type Mistakes, rolloutRequest, wideMargins } from '../workflows/answers.ts';

const notice: Notice = {
  id: 'run/gate_waits/canary-5',
  kind: 'gate_waits',
  at: '2026-11-30T00:00:00.000Z',
  model: 'mini',
  workflowId: 'robustify/mini/0/rollout',
  runId: 'run',
  message: 'a gate waits',
  commands: ['modality-guard approve robustify/mini/0/rollout --by "<your name>"'],
};

interface Got {
  headers: IncomingHttpHeaders;
  body: Notice;
}

/** A webhook that answers with these, and from then on with the last one. */
async function webhook(...statuses: number[]) {
  const got: Got[] = [];
  const server = createServer(async (request, response) => {
    got.push({ headers: request.headers, body: JSON.parse(await text(request)) as Notice });
    response.writeHead(statuses[got.length - 1] ?? statuses.at(-1)!).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got };
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
  vi.unstubAllEnvs();
});

const never = new AbortController().signal;
const send = (settings: object, signal = never) =>
  notifierOf(NotifyConfig.parse(settings)).send(notice, signal);

describe('a webhook', () => {
  it('gets the notice as JSON, with its id, and secrets from the environment', async () => {
    const { got, url } = await webhook(204);
    vi.stubEnv('GUARD_TEST_URL', url);
    vi.stubEnv('GUARD_TEST_TOKEN', 'Bearer secret');
    await send({ webhook: { urlFrom: 'GUARD_TEST_URL', headers: { authorization: 'GUARD_TEST_TOKEN' } } });
    expect(got[0]!.body).toEqual(notice);
    expect(got[0]!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'content-type': 'application/json',
      'idempotency-key': notice.id,
    });
  });

  it('that refuses is not tried again, one that is busy or away is; none tells its address', async () => {
    const refusing = await webhook(403);
    await expect(send({ webhook: { url: refusing.url } })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: `${new URL(refusing.url).origin} answered 403`,
    });
    for (const status of [429, 503]) {
      const { url } = await webhook(status);
      await expect(send({ webhook: { url } })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    await new Promise((closed) => gone.close(closed));
    vi.stubEnv('GUARD_TEST_URL', `http://127.0.0.1:${port}/secret`);
    await expect(send({ webhook: { urlFrom: 'GUARD_TEST_URL' } })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the webhook of GUARD_TEST_URL was not reached (ECONNREFUSED)',
    });
    expect(() => send({ webhook: { urlFrom: 'GUARD_TEST_NONE' } })).toThrow(
      'notify.webhook.urlFrom: the environment has no GUARD_TEST_NONE',
    );
  });
});

describe('a command', () => {
  it('gets the notice on stdin; what it says is told where it fails, and it is ended in time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'guard-notices-'));
    closing.push(() => void rm(folder, { recursive: true }));
    const out = join(folder, 'out.json');
    await send({ command: ['sh', '-c', `cat > ${out}; test "$GUARD_NOTICE_KIND" = gate_waits`] });
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(notice);
    await expect(send({ command: ['sh', '-c', 'echo no pager >&2; exit 4'] })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'notify.command sh: ended with exit code 4: no pager',
    });
    await expect(send({ command: ['sleep', '60'], timeoutSeconds: 0.2 })).rejects.toThrow(
      'did not end in time',
    );
    await expect(send({ command: ['no-such-program'] })).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  });
});

describe('settings', () => {
  it.each([
    [{}, /either a webhook or a command/],
    [{ webhook: {} }, /either url or urlFrom/],
    [{ webhook: { url: 'ftp://x' } }, /url/],
    [{ webhook: { urlFrom: 'A', headers: { a: 'not a name' } } }, /environment variable/],
    [{ command: ['x'], on: ['dinner'] }, /gate_waits/],
  ])('%j is refused', (settings, why) => {
    expect(() => NotifyConfig.parse(settings)).toThrow(why);
  });
});

describe('a gate that waits', { timeout: 120_000 }, () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed();
  }, 120_000);
  afterAll(() => bed?.close());
  const everyThird: Mistakes = ({ perturbation }, i) => perturbation !== 'origin' && i % 3 === 0;

  /** A rollout that waits before canary-5, with these settings; `decide`: what is done once it waits. */
  async function waiting(model: string, settings: object, seen: () => boolean) {
    const { stateDir, store, temporal } = bed;
    const { client } = temporal;
    const request = await rolloutRequest(store, model, () => false, {
      approvals: ['canary-5'],
      margins: wideMargins,
    });
    const answers = answersWith(store, {
      [request.champion.digest]: everyThird,
      [request.challenger.digest]: () => false,
    });
    const registry = registryClient(client);
    const deps = {
      store,
      stateDir,
      threads: 1,
      device: 'cpu' as const,
      registry,
      histories: historiesOf(client),
    };
    const telling = notify({ ...deps, notifier: notifierOf(NotifyConfig.parse(settings)) });
    return bed.withWorker({ ...answers, notify: telling }, async () => {
      const change = { model: request.champion, from: 'import', reason: 'first' };
      await registry.apply({ kind: 'register', name: model, change, requestId: model });
      const workflowId = `rollout-of-${model}`;
      const handle = await client.workflow.start<typeof rollout>('rollout', {
        taskQueue,
        workflowId,
        args: [request],
      });
      while (!seen()) await new Promise((resume) => setTimeout(resume, 50));
      const args = [
        { stage: 'shadow', decision: 'approve' as const, by: 'Ada', comment: 'looked at it' },
      ] as const;
      await handle.executeUpdate(decideUpdate, { args: [...args] });
      const { result } = await handle.result();
      await keepHistory(client, `rollout-${model}`, workflowId);
      return result.outcome;
    });
  }

  it('is told until a webhook takes it, the same in every try, with the commands that decide', async () => {
    const { got, url } = await webhook(500, 503, 200);
    expect(await waiting('told', { webhook: { url } }, () => got.length === 3)).toBe('promoted');
    const [first, ...more] = got.map(({ body }) => body);
    expect(more).toEqual([first, first]);
    expect(first).toMatchObject({ kind: 'gate_waits', model: 'told', workflowId: 'rollout-of-told' });
    expect(first!.message).toMatch(/the gate of shadow waits for a person .* A yes begins canary-5/);
    expect(first!.commands[1]).toBe(
      'modality-guard approve rollout-of-told --stage shadow --by "<your name>" --comment "<what you looked at>"',
    );
  });

  it('goes on where nobody can be told, and is told no more once it is decided', async () => {
    const { got, url } = await webhook(503);
    expect(await waiting('untold', { webhook: { url } }, () => got.length > 0)).toBe('promoted');
    const tries = got.length;
    await new Promise((resume) => setTimeout(resume, 3000));
    expect(got.length).toBeLessThanOrEqual(tries + 1);
    const refusing = await webhook(404);
    expect(await waiting('refused', { webhook: { url: refusing.url } }, () => refusing.got.length > 0)).toBe(
      'promoted',
    );
    expect(refusing.got).toHaveLength(1);
  });
});
