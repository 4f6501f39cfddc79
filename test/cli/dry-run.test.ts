import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Project, smallProject } from '../support/project.ts';
import { modalityGuard } from './command.ts';

let project: Project;
beforeAll(async () => {
  project = await smallProject();
});
afterAll(() => project?.remove());

const dryRun = (...args: string[]) =>
  modalityGuard(['diagnose', '--dry-run', ...args], { folder: project.folder });

async function file(name: string, text: string): Promise<string> {
  const path = join(project.folder, name);
  await writeFile(path, text);
  return path;
}

interface Planned {
  condition: string;
  requests: number;
  about: { promptTokens: number };
}

describe('diagnose --dry-run', { timeout: 60_000 }, () => {
  it('counts requests by condition, starts no server and writes nothing', async () => {
    const before = await readdir(project.folder);
    const { code, stderr, stdout } = await dryRun('--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const plan = JSON.parse(stdout);
    expect(plan).toMatchObject({ status: 'planned', model: 'tiny', atMost: null, pace: null, seconds: null });
    const conditions: Planned[] = plan.conditions;
    const text = conditions.find(({ condition }) => condition === 'image_heavy/misleading_text')!;
    const clean = conditions.find(({ condition }) => condition === 'image_heavy/origin')!;
    expect(text.requests).toBe(8);
    expect(text.about.promptTokens).toBeGreaterThan(clean.about.promptTokens);
    expect(plan.requests).toBe(conditions.reduce((sum, { requests }) => sum + requests, 0));
    expect(plan.attacks).toContainEqual({ condition: 'text_heavy/pgd', samples: 4, sizes: 2 });
    expect(await readdir(project.folder)).toEqual(before);
  });

  it('tells the price of an endpoint, about and at most, and where the budget may end it', async () => {
    const folder = join(project.folder, 'priced');
    await mkdir(folder);
    const prices = { promptPerMillion: 2, completionPerMillion: 10, perImage: 0.001 };
    const endpoint = { baseUrl: 'http://127.0.0.1:9/v1', model: 'm', prices, budget: 0.01, maxTokens: 5 };
    await writeFile(join(folder, 'endpoint.json'), JSON.stringify(endpoint));
    const { stdout } = await dryRun('--model', folder, '--level', 'L0', '--samples', '2', '--json');
    const { about, atMost, budget, looks, priced, requests } = JSON.parse(stdout);
    // Two of each kind, and 20 fixed questions three times.
    expect({ budget, priced, requests, looks: looks.requests }).toEqual({
      budget: 0.01,
      priced: true,
      requests: 66,
      looks: 60,
    });
    expect(about.completionTokens).toBe(2 * 66);
    expect(atMost.completionTokens).toBe(5 * 66);
    // Two image-heavy samples and two VQA samples have a picture.
    expect(about.cost).toBeCloseTo((2 * about.promptTokens + 10 * about.completionTokens) / 1e6 + 0.004, 9);
    expect(atMost.promptTokens).toBeGreaterThan(4 * 4096);
    const text = (await dryRun('--model', folder, '--level', 'L0', '--samples', '2')).stdout;
    expect(text).toMatch(/The budget is 0\.0100,\s+which\s+may\s+end\s+it\s+early\./);
  });

  it.each([
    [
      'a gate on a condition that there is none of',
      { 'gate.yaml': 'gates: [{name: g, condition: image_heavy/misleding_text, figure: drop, atMost: 0.1}]' },
      ['--gate', 'gate.yaml'],
      /gate "g"[\s\S]*Did you mean "image_heavy\/misleading_text"\?/,
    ],
    [
      'a gate on the conditions of a level that is not asked for',
      { 'gate.yaml': 'gates: [{name: g, condition: text_heavy/corruptions/*, figure: drop, atMost: 0.1}]' },
      ['--gate', 'gate.yaml'],
      /no condition of this diagnosis is "text_heavy\/corruptions\/\*"/,
    ],
    [
      'a gate on an attack at a size that is not tried',
      {
        'gate.yaml':
          'gates: [{name: g, condition: text_heavy/pgd, figure: attackAccuracy, eps: 0.5, atLeast: 0.1}]',
      },
      ['--gate', 'gate.yaml'],
      /at eps 0\.5; there are: none \(eps that are measured: 0, 0\.01\)/,
    ],
    ['a misspelt pack', {}, ['--scenarios', 'corruptons'], /did you mean "corruptions"\?/],
    [
      'tasks that no sample belongs to',
      { 'task.yaml': 'tasks: [{name: forms, decides: text, owner: Ada, match: {desk: claims}}]' },
      ['--task', 'task.yaml'],
      /no sample of the benchmark belongs to a task of the task file \(forms\)/,
    ],
    [
      'a scenario that takes no sample',
      {
        'pack.yaml': `name: ours\ndescription: d\nowner: Ada\nlicense: MIT\nperturbs: text
scenarios: [{name: letter, description: d, hinted: none, weight: 1, templates: ["see the letter of {field:sender}"]}]`,
      },
      ['--scenarios', './pack.yaml'],
      /image_heavy\/ours\/letter: no sample of the benchmark takes this perturbation/,
    ],
  ])('refuses %s, as a diagnosis does before it asks anything', async (_, files, args, message) => {
    for (const [name, text] of Object.entries(files)) await file(name, text);
    const { code, stderr, stdout } = await dryRun(...args);
    expect({ stdout, failed: code !== 0 }).toEqual({ stdout: '', failed: true });
    expect(stderr).toMatch(message);
  });

  it('names a misspelt perturbation of diagnosis.skip', async () => {
    const other = await smallProject(({ diagnosis }) => {
      diagnosis.skip = ['full_blak'];
    });
    const { code, stderr } = await modalityGuard(['diagnose', '--dry-run'], { folder: other.folder });
    await other.remove();
    expect(code).toBe(2);
    expect(stderr).toMatch(/diagnosis\.skip\.0.*did you mean "full_black"\?/);
  });
});
