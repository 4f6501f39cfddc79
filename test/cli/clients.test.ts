import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../cli/main.ts';
import type { GuardConfig } from '../../schemas/config.ts';
import { taskQueue } from '../../schemas/workflow.ts';
import { diagnoseOnce, openSession, type Session, watchDrift } from '../../worker/index.ts';
import { registryClient } from '../../worker/registry-client.ts';
import { diagnoseRequest, trainRequest } from '../../worker/requests.ts';
import { makeChampion } from '../support/champion.ts';
import { bundleChanged } from '../support/changed-workflows.ts';
import { type Project, smallProject } from '../support/project.ts';

interface Said {
  code: number;
  out: string;
  err: string;
}

/** One command line in this process, against the server that `TEMPORAL_ADDRESS` names. */
async function guard(folder: string, ...words: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const keep = (stream: 'out' | 'err') => (data: string | Uint8Array) => {
    said[stream] += data.toString();
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(keep('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(keep('err')),
  ];
  const flags = [
    '--config',
    join(folder, 'temporal.config.json'),
    '--state-dir',
    join(folder, '.modality-guard'),
  ];
  try {
    await main([...words, ...flags]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  return { code, ...said };
}

let project: Project;
let server: Session;
let digest: string;
const ids = { finished: '', failed: '', outOfTime: '', cancelled: '', terminated: '' };
const theirs = 'theirs';

beforeAll(async () => {
  project = await smallProject((config) => {
    config.diagnosis.samples = 4;
    config.diagnosis.attack.kinds = [];
  });
  server = await openSession({ folder: project.folder, log: () => {} });
  process.env.TEMPORAL_ADDRESS = server.address;
  const { client } = server;
  const { model, workflowId } = await diagnoseOnce(server, {});
  ids.finished = workflowId;
  digest = model.digest;
  const empty = join(project.folder, 'empty');
  await mkdir(empty);
  for (const name of ['tiny', 'gone']) await makeChampion(server, model, name);
  await client.workflow.getHandle('registry/gone').terminate('a test');
  const logs = join(project.folder, 'logs');
  await mkdir(logs);
  for (const name of ['tiny', 'gone'])
    await watchDrift(server, {
      model: name,
      modelFolder: join(project.folder, 'model'),
      logs,
      pollSeconds: 600,
    });
  await client.workflow.getHandle('drift/gone').terminate('a test');
  const start = (type: string, workflowId: string, queue: string, more: object = {}) =>
    client.workflow.start(type, { workflowId, taskQueue: queue, args: [theirs], ...more });
  await start('payroll', 'payroll/1', 'payroll');
  await start('diagnose', 'diagnose/theirs/1', 'others');
  await start('registry', 'registry/theirs', 'others');
  await start('driftWatch', 'drift/theirs', 'others');
  ids.terminated = 'train/tiny/never';
  const never = await start('train', ids.terminated, taskQueue, { startDelay: '1h' });
  await never.terminate('a test');
  const long = trainRequest(server.config, { model: 'tiny', steps: 100_000 });
  ids.failed = 'diagnose/tiny/bad';
  ids.outOfTime = 'train/tiny/long';
  ids.cancelled = 'train/tiny/called-off';
  const ended = await Promise.all([
    start('diagnose', ids.failed, taskQueue, {
      args: [diagnoseRequest(server.config, { model: 'tiny', dataFolder: empty })],
    }),
    start('train', ids.outOfTime, taskQueue, { args: [long], workflowExecutionTimeout: '4s' }),
    start('train', ids.cancelled, taskQueue, { args: [long] }),
  ]);
  await ended[2].cancel();
  for (const handle of ended) await expect(handle.result()).rejects.toThrow();
  for (const [scheduleId, workflowType, queue] of [
    ['nightly/theirs', 'diagnose', 'others'],
    ['payroll-nightly', 'payroll', 'payroll'],
  ] as const)
    await client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '1 day' }] },
      action: { type: 'startWorkflow', workflowType, taskQueue: queue, args: [] },
    });
}, 240_000);
afterAll(async () => {
  delete process.env.TEMPORAL_ADDRESS;
  await server?.close();
  await project?.remove();
});

const asAda = ['--by', 'Ada', '--comment', 'looked at it'];
const none = /there is no workflow "/;
const another = /is a workflow of another program \(payroll\)/;
const elsewhere =
  /belongs to another project, which works on the task queue "others" and not on "modality-guard"/;

/** What each command says of a workflow in each state; null: it does what it is for. */
const states = {
  unknown: 'robustify/none/0',
  'no id': '',
  foreign: 'payroll/1',
  'another project': 'diagnose/theirs/1',
  registry: 'registry/tiny',
  'ended registry': 'registry/gone',
  watch: 'drift/tiny',
  'ended watch': 'drift/gone',
  finished: () => ids.finished,
  failed: () => ids.failed,
  'out of time': () => ids.outOfTime,
  cancelled: () => ids.cancelled,
  'never begun': () => ids.terminated,
} as const;
type State = keyof typeof states;

const common: Partial<Record<State, RegExp>> = {
  unknown: none,
  'no id': /id of a workflow is empty/,
  foreign: another,
  'another project': elsewhere,
};
const cannotDecide = {
  ...common,
  unknown: /there is no run "robustify\/none\/0"/,
  registry: /registry\/tiny has no gates/,
  'ended registry': /registry\/gone has no gates/,
  watch: /drift\/tiny has no gates/,
  'ended watch': /drift\/gone has no gates/,
  finished: /has no gates \(diagnose\)/,
  failed: /has no gates \(diagnose\)/,
  'out of time': /has no gates \(train\)/,
  cancelled: /has no gates \(train\)/,
  'never begun': /has no gates \(train\)/,
};
const status = {
  ...common,
  registry: /keeps a registry: `modality-guard models list --model tiny` shows it/,
  'ended registry': /models list --model gone/,
  watch: /watches logs: `modality-guard drift status --model tiny` shows it/,
  'ended watch': /drift status --model gone/,
  'never begun': /was ended before any worker took it up/,
};
const commands: { words: (id: string) => string[]; says: Partial<Record<State, RegExp>> }[] = [
  { words: (id) => ['status', id], says: status },
  { words: (id) => ['status', id, '--watch'], says: status },
  { words: (id) => ['approve', id, ...asAda], says: cannotDecide },
  { words: (id) => ['reject', id, ...asAda], says: cannotDecide },
  {
    words: (id) => [
      'audit',
      'export',
      id,
      '--out',
      join(project.folder, 'audits', id.replaceAll('/', '_') || 'none'),
    ],
    says: common,
  },
  {
    words: (id) => ['cancel', id],
    says: {
      ...common,
      registry: /keeps the registry, and goes on/,
      'ended registry': /registry\/gone was terminated at /,
      'ended watch': /drift\/gone was terminated at /,
      finished: /has ended \(completed\) at /,
      failed: /has failed at /,
      'out of time': /was given up: it did not end within its time at /,
      cancelled: /was cancelled at /,
      'never begun': /was terminated at /,
    },
  },
];

/** A sentence and nothing of our insides. */
function expectSentence({ code, err, out }: Said, words: RegExp, what: string) {
  expect({ what, code, out, err }).toMatchObject({ code: 1, out: '', err: expect.stringMatching(words) });
  expect(err, what).not.toMatch(/^ +at /m);
}

describe('a workflow in every state', { timeout: 300_000 }, () => {
  it('gets an answer or a sentence from every command', async () => {
    const table: string[] = [];
    for (const { says, words } of commands) {
      for (const [state, named] of Object.entries(states) as [State, string | (() => string)][]) {
        const id = typeof named === 'string' ? named : named();
        const line = words(id);
        const said = await guard(project.folder, ...line);
        const expected = says[state];
        const what = `${line.join(' ')} (${state})`;
        const tried = line.slice(0, line[0] === 'audit' ? 2 : 1).join(' ');
        table.push(
          `${tried} | ${state} | ${said.code} | ${(said.err || said.out).trim().split('\n').at(-1)}`,
        );
        if (expected) expectSentence(said, expected, what);
        else expect({ what, ...said }).toMatchObject({ code: 0, err: expect.not.stringMatching(/^ +at /m) });
      }
    }
    if (process.env.SHOW_TABLES) process.stdout.write(`${table.join('\n')}\n`);
  });

  it('and from those that name a model', async () => {
    const { folder } = project;
    const asked = async (expected: RegExp, ...words: string[]) =>
      expectSentence(await guard(folder, ...words), expected, words.join(' '));
    for (const words of [
      ['models', 'history'],
      ['models', 'rollback', ...asAda],
      ['models', 'promote', digest, ...asAda],
    ]) {
      await asked(
        /no model named "none" is registered yet|there is no such model/,
        ...words,
        '--model',
        'none',
      );
      await asked(
        /registry\/theirs belongs to another project|there is no such model/,
        ...words,
        '--model',
        theirs,
      );
    }
    await asked(/registry\/theirs belongs to another project/, 'models', 'list', '--model', theirs);
    await asked(
      /registry\/gone was terminated at |has no "previous" now/,
      'models',
      'rollback',
      ...asAda,
      '--model',
      'gone',
    );
    const gone = await guard(folder, 'models', 'list', '--model', 'gone');
    expect(gone).toMatchObject({
      code: 0,
      err: expect.stringMatching(/registry\/gone was terminated at .*; this is what it held\./),
      out: expect.stringContaining(digest.slice('sha256:'.length, 23)),
    });
    for (const verb of ['status', 'stop']) {
      await asked(/no logs of "none" are watched/, 'drift', verb, '--model', 'none');
      await asked(/drift\/theirs belongs to another project/, 'drift', verb, '--model', theirs);
    }
    await asked(/drift\/gone was terminated at /, 'drift', 'stop', '--model', 'gone');
    expect((await guard(folder, 'drift', 'status', '--model', 'tiny')).code).toBe(0);
  });

  it('is listed where it is ours, and a schedule as well', async () => {
    const { folder } = project;
    const listed = JSON.parse((await guard(folder, 'status', '--json')).out) as { workflowId: string }[];
    const names = listed.map(({ workflowId }) => workflowId);
    expect(names).toEqual(expect.arrayContaining([ids.finished, 'registry/tiny', 'drift/gone']));
    expect(names.filter((name) => /theirs|payroll/.test(name))).toEqual([]);
    const gone = JSON.parse((await guard(folder, 'status', '--json', '--model', 'gone')).out);
    expect(gone.map((run: { workflowId: string }) => run.workflowId).sort()).toEqual([
      'drift/gone',
      'registry/gone',
    ]);

    const made = await guard(folder, 'schedule', 'create', '--nightly', '--json');
    expect(made.code, made.err).toBe(0);
    const { scheduleId } = JSON.parse(made.out) as { scheduleId: string };
    await expect
      .poll(async () => JSON.parse((await guard(folder, 'schedule', 'list', '--json')).out))
      .toEqual([expect.objectContaining({ scheduleId })]);
    for (const verb of ['describe', 'pause', 'resume', 'trigger', 'delete']) {
      for (const [id, words] of [
        ['none', /there is no schedule "none"/],
        ['', /there is no schedule ""/],
        ['payroll-nightly', /payroll-nightly is a schedule of another program \(payroll\)/],
        ['nightly/theirs', /nightly\/theirs belongs to another project/],
      ] as const)
        expectSentence(await guard(folder, 'schedule', verb, id), words, `${verb} ${id}`);
    }
    expect((await guard(folder, 'schedule', 'delete', scheduleId)).code).toBe(0);
  });
});

describe('a queue that nobody serves', { timeout: 200_000 }, () => {
  it('is named at once, with what to start, and the server gets no worker', async () => {
    const folder = join(project.folder, 'lonely');
    await mkdir(folder);
    const config = JSON.parse(
      await readFile(join(project.folder, 'temporal.config.json'), 'utf8'),
    ) as GuardConfig;
    config.server.taskQueue = 'lonely';
    config.model.folder = '../model';
    config.data.folder = '../benchmark';
    await writeFile(join(folder, 'temporal.config.json'), JSON.stringify(config));
    const { client } = server;
    for (const [type, workflowId] of [
      ['registry', 'registry/alone'],
      ['driftWatch', 'drift/alone'],
      ['robustify', 'robustify/alone/1'],
    ] as const)
      await client.workflow.start(type, { workflowId, taskQueue: 'lonely', args: ['alone'] });
    const nobody =
      /no worker serves the task queue "lonely" on 127\.0\.0\.1:\d+ \(namespace default\); start one where its state folder is: modality-guard worker/;
    const began = performance.now();
    for (const words of [
      ['status', 'robustify/alone/1'],
      ['status', 'robustify/alone/1', '--watch'],
      ['approve', 'robustify/alone/1', ...asAda],
      ['approve', ...asAda],
      ['models', 'list', '--model', 'alone'],
      ['models', 'history', '--model', 'alone'],
      ['models', 'rollback', '--model', 'alone', ...asAda],
    ])
      expectSentence(await guard(folder, ...words), nobody, words.join(' '));
    expect((await guard(folder, 'drift', 'status', '--model', 'alone')).out).toMatch(
      /The watch of alone is LATE: no worker answers for it; start one/,
    );
    // No time limit was waited for.
    expect(performance.now() - began).toBeLessThan(8 * 15_000);
    for (const words of [
      ['drift', 'stop', '--model', 'alone'],
      ['cancel', 'robustify/alone/1'],
      ['audit', 'export', 'robustify/alone/1', '--out', join(folder, 'audit')],
      ['status'],
    ])
      expect(await guard(folder, ...words)).toMatchObject({ code: 0 });
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: 'default',
      taskQueue: { name: 'lonely' },
      taskQueueType: 1,
    });
    expect(pollers).toEqual([]);
  });
});

describe('a client of other code', { timeout: 200_000 }, () => {
  it('writes nothing into a run, on another server and on its own', async () => {
    const folder = join(project.folder, 'other-code');
    const owner = await smallProject();
    const { TEMPORAL_ADDRESS: shared } = process.env;
    delete process.env.TEMPORAL_ADDRESS;
    const own = await openSession({ folder: owner.folder, stateDir: folder, worker: false, log: () => {} });
    try {
      const workflowBundle = await bundleChanged([
        {
          file: 'registry.ts',
          from: '  while (!workflowInfo()',
          to: '  await condition(() => false, 1);\n  while (!workflowInfo()',
        },
      ]);
      const { NativeConnection } = await import('@temporalio/worker');
      const connection = await NativeConnection.connect({ address: own.address });
      const worker = await Worker.create({
        connection,
        taskQueue,
        workflowBundle,
        identity: 'other@nowhere/1',
      });
      const change = {
        model: { digest, bytes: 1, mediaType: 'x' } as never,
        from: 'import',
        reason: 'a test',
      };
      await worker.runUntil(
        registryClient(own.client).apply({ kind: 'register', name: 'tiny', change, requestId: '1' }),
      );
      await connection.close();
      const handle = own.client.workflow.getHandle('registry/tiny');
      const events = async () => (await handle.fetchHistory()).events?.map(({ eventType }) => eventType);
      const before = await events();

      const flags = ['--state-dir', folder, '--config', join(owner.folder, 'temporal.config.json')];
      const { modalityGuard } = await import('./command.ts');
      // The server remembers the worker that has just ended for a while.
      for (const words of [
        ['models', 'list'],
        ['models', 'history'],
      ]) {
        const { code, stderr } = await modalityGuard([...words, ...flags], { folder: owner.folder });
        expect({ code, stderr }).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(
            /registry\/tiny was begun by other workflow code, which this one cannot go on with \(Nondeterminism error: .*\)\. Ask with the modality-guard that began it/,
          ),
        });
      }
      const asClient = await modalityGuard(['models', 'list', ...flags], {
        folder: owner.folder,
        env: { TEMPORAL_ADDRESS: own.address },
      });
      expect(asClient.code).toBe(1);
      expect(asClient.stderr).toMatch(/no worker (serves|of) the task queue "modality-guard"/);
      // The server's own events go on; no worker has begun a task (6) or failed at one (7).
      const since = (await events())!.slice(before!.length);
      expect(since.filter((type) => type === 6 || type === 7)).toEqual([]);
    } finally {
      await own.close();
      await owner.remove();
      if (shared) process.env.TEMPORAL_ADDRESS = shared;
    }
  });
});
