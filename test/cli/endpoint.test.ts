import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatServer } from '../../bench/chat-server.ts';
import { type Project, smallProject } from '../support/project.ts';
import { modalityGuard } from './command.ts';

let project: Project;
let server: ChatServer;
beforeAll(async () => {
  project = await smallProject();
  server = await ChatServer.start();
});
afterAll(async () => {
  await server?.close();
  await project?.remove();
});

describe('a model behind a server', { timeout: 240_000 }, () => {
  const model = () => ['--model', server.baseUrl, '--model-name', 'served', '--json', '--no-input'];

  it('is diagnosed without attacks, each question asked once, as a dry run had said without a request', async () => {
    const dry = await modalityGuard(['diagnose', ...model(), '--dry-run'], { folder: project.folder });
    expect(dry.code, dry.stderr).toBe(0);
    expect(server.counts.size).toBe(0);
    const plan = JSON.parse(dry.stdout);
    const { code, stdout, stderr } = await modalityGuard(['diagnose', ...model()], {
      folder: project.folder,
    });
    expect(code, stderr).toBe(0);
    const { base, endpoint, pgd } = JSON.parse(stdout);
    expect(pgd).toEqual([]);
    expect(endpoint.readFrom.logprobs).toBe(endpoint.samples);
    expect(base['image_heavy/misleading_text'].followed).toBeGreaterThan(base['image_heavy/origin'].accuracy);
    expect(stderr).toMatch(/tokens, cost not known: endpoint\.json has no prices\. Attacks were left out/);
    const planned = plan.conditions.map((one: { condition: string; requests: number }) => [
      one.condition,
      one.requests,
    ]);
    const asked = Object.entries(base).map(([condition, figures]) => [
      condition,
      (figures as { n: number }).n,
    ]);
    expect(Object.fromEntries(planned)).toEqual(Object.fromEntries(asked));
    expect(plan.attacks).toEqual([]);
    const used = endpoint.promptTokens / endpoint.samples;
    expect(plan.atMost.promptTokens / plan.requests).toBeGreaterThan(used / 10);
    expect([...server.counts.values()].every(({ received }) => received === 1)).toBe(true);
  });

  it('says at a level which attacks were left out', async () => {
    const level = ['--level', 'L4', '--samples', '2'];
    const { code, stdout, stderr } = await modalityGuard(['diagnose', ...model(), ...level], {
      folder: project.folder,
    });
    expect(code, stderr).toBe(0);
    const { leftOut, levels, pgd } = JSON.parse(stdout);
    expect(pgd).toEqual([]);
    const reason = expect.stringMatching(/gradients are out of reach/);
    expect(leftOut).toContainEqual({ taskKind: 'image_heavy', attack: 'universal_text', reason });
    expect(leftOut).toContainEqual({ taskKind: 'text_heavy', attack: 'universal_pixels', reason });
    expect(Object.keys(levels.text_heavy)).toEqual(['L0', 'L1', 'L2']);
  });

  it('that never answers does not pass: exit code 3, and every form says why', async () => {
    const cut = { message: { content: '<think>Let me look at option A' }, finish_reason: 'length' };
    server.options = { fault: () => ({ kind: 'raw', text: JSON.stringify({ choices: [cut] }) }) };
    const args = ['diagnose', ...model(), '--level', 'L0', '--samples', '2', '--out', 'silent'];
    const { code, stdout, stderr } = await modalityGuard(args, { folder: project.folder });
    server.options = {};
    expect(code, stderr).toBe(3);
    const { base, endpoint, gates, verdict } = JSON.parse(stdout);
    expect(verdict).toBe('fail');
    expect(endpoint.unanswered).toEqual({ cut_off: endpoint.samples });
    expect(gates.at(-1).reason).toMatch(
      /none of the \d+ questions .* maxTokens 4096.*finish_reason "length"/,
    );
    expect(base['image_heavy/origin']).toMatchObject({ accuracy: 0, changeRate: null, pairs: 0 });
    expect(stderr).toMatch(/ended at maxTokens 4096/);
    for (const name of ['report.html', 'report.md', 'junit.xml', 'model-card.md'])
      expect(await readFile(join(project.folder, 'silent', name), 'utf8')).toMatch(/finish\\?_reason/);
  });

  it('is not trained', async () => {
    const { code, stdout } = await modalityGuard(['train', ...model()], { folder: project.folder });
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error.message).toMatch(/gradients are out of reach/);
  });
});
