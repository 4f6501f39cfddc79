import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../../worker/config.ts';
import { modalityGuard, projectFolder } from './command.ts';

const example = join(packageFolder(), 'data/prices.example.yaml');
const figure = (accuracy: number) => ({
  accuracy,
  ci95: [accuracy - 0.04, accuracy + 0.03],
  changeRate: 0.1,
  n: 300,
});
const base = {
  'image_heavy/origin': figure(0.9),
  'image_heavy/misleading_text': figure(0.3),
  'text_heavy/origin': figure(0.8),
  'text_heavy/switch': figure(0.7),
};

let folder: string;
beforeAll(async () => {
  folder = await projectFolder();
  await writeFile(join(folder, 'report.json'), JSON.stringify({ base, pgd: [], verdict: 'fail', gates: [] }));
});

async function estimated(args: string[]) {
  const ended = await modalityGuard(['estimate', ...args], { folder });
  return { ...ended, json: args.includes('--json') ? JSON.parse(ended.stdout) : null };
}
const usual = ['--diagnosis', 'report.json', '--prices', example];

describe('modality-guard estimate', () => {
  it('prints the whole estimate with its inputs, and exits with 0 unless it is a gate', async () => {
    const { code, json } = await estimated([...usual, '--json']);
    expect(code).toBe(0);
    expect(json).toMatchObject({ verdict: 'pilot_more', currency: 'EUR', trackRecord: { count: 0 } });
    // 200,000 x 5 % x 60 points x 2 EUR, and 20,000 x 5 % x 10 points x 5 EUR.
    expect(json.damage.costPerMonth.value).toBeCloseTo(12_000 + 500);
    expect(json.inputs.prices.people).toHaveLength(2);
    expect((await estimated([...usual, '--gate', '--json'])).code).toBe(3);
  });

  it('takes a diagnosis and a pilot by file, folder or workflow, as compare does', async () => {
    const points = [{ share: 0, steps: 0, figures: base }];
    const pilot = { kind: 'pilot', model: 'm', seed: 7, batch: 64, available: {}, points, secondsPerStep: 1 };
    const run = join(folder, '.modality-guard/runs/diagnose_m_1');
    const piloted = join(folder, '.modality-guard/runs/pilot_m_2');
    for (const place of [run, piloted]) await mkdir(place, { recursive: true });
    const report = { base, workflowId: 'diagnose/m/1', createdAt: '2026-01-01T00:00:00Z' };
    await writeFile(join(run, 'report.json'), JSON.stringify(report));
    await writeFile(join(piloted, 'pilot.json'), JSON.stringify(pilot));
    const inputs = async (diagnosis: string, of: string) => {
      const { json, stderr } = await estimated([
        '--diagnosis',
        diagnosis,
        '--pilot',
        of,
        '--prices',
        example,
        '--json',
      ]);
      expect(stderr).toBe('');
      return [json.inputs.diagnosis, json.inputs.pilot];
    };
    const files = [join(run, 'report.json'), join(piloted, 'pilot.json')];
    expect(await inputs('diagnose/m/1', 'pilot/m/2')).toEqual(files);
    expect(await inputs('.modality-guard/runs/diagnose_m_1', '.modality-guard/runs/pilot_m_2')).toEqual(
      files,
    );
    const none = await estimated(['--diagnosis', 'diagnose/m/3', '--prices', example]);
    expect(none.stderr).toMatch(/no such report in \S+ \(there are: diagnose\/m\/1\)/);
    const empty = await estimated(['--diagnosis', '.modality-guard', '--prices', example]);
    expect(empty.stderr).toMatch(/the folder has no report\.json; name one that "diagnose --out" wrote/);
  });

  it('prints tables for people, and how good earlier predictions were', async () => {
    const score = {
      at: '2026-01-01T00:00:00Z',
      workflowId: 'robustify/mini/1',
      model: 'mini',
      taskKind: 'image_heavy',
      steps: 150,
      predicted: 0.9,
      ci95: [0.8, 0.95],
      actual: 0.92,
      error: 0.02,
      covered: true,
    };
    await writeFile(join(folder, 'estimates.jsonl'), `${JSON.stringify(score)}\n`);
    const { code, stdout } = await estimated([...usual, '--state-dir', '.']);
    expect(code).toBe(0);
    for (const text of [
      'Pilot more',
      'there is no pilot',
      '12000',
      'Earlier predictions: 1; 1 of their intervals',
      '2.0 points',
    ])
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(text);
    await writeFile(join(folder, 'estimates.jsonl'), `${JSON.stringify(score)}\n{"half`);
    const broken = await estimated([...usual, '--state-dir', '.', '--json']);
    expect(broken.code).toBe(1);
    expect(broken.json.error).toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('line 2'),
    });
  });

  it('writes a page that stands alone, with every input, and no repair for what cannot be trained', async () => {
    const { code, json } = await estimated([...usual, '--out', 'pages/estimate.html', '--json']);
    expect(code).toBe(0);
    expect(json.page).toBe(join(folder, 'pages/estimate.html'));
    const page = await readFile(json.page, 'utf8');
    for (const text of ['Pilot more', 'catalogue-photos', '12,500', 'What a repair brings', 'hurdleRate'])
      expect(page).toContain(text);
    expect(page).not.toMatch(/(?:src|href)=/);
    const served = { base, pgd: [], verdict: 'fail', gates: [], endpoint: { samples: 1 } };
    await writeFile(join(folder, 'served.json'), JSON.stringify(served));
    const none = await estimated(['--diagnosis', 'served.json', '--prices', example, '--out', 'none.html']);
    expect(none.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /No-go - this model cannot be trained .*no repair is offered/,
    );
    expect(none.stdout).not.toMatch(/paid back|labelling/);
    expect(await readFile(join(folder, 'none.html'), 'utf8')).not.toContain('What a repair brings');
    expect((await estimated([...usual, '--out', 'pages'])).stderr).toMatch(/expected the name of a page/);
  });

  it('takes tasks of a task file in place of those of the prices', async () => {
    const tasks = 'tasks: [{name: forms, decides: text, owner: Ada, errorCost: 1, decisionsPerMonth: 1000}]';
    await writeFile(join(folder, 'tasks.yaml'), tasks);
    const { json } = await estimated([...usual, '--task', 'tasks.yaml', '--json']);
    expect(json.damage.costPerMonth.value).toBeCloseTo(1000 * 0.05 * 0.1);
    expect(json.verdict).toBe('no_go');
  });

  it.each([
    [
      'no diagnosis',
      { 'd.json': '{"hello": 1}' },
      ['--diagnosis', 'd.json', '--prices', example],
      1,
      /d\.json: has neither "base" nor "figures"/,
    ],
    ['no JSON', { 'd.json': '{' }, ['--diagnosis', 'd.json', '--prices', example], 1, /d\.json: is no JSON/],
    [
      'a missing file',
      {},
      ['--diagnosis', 'absent.json', '--prices', example],
      1,
      /absent\.json: there is no such file or folder, and no such report in \S+runs \(there are: .*\)/,
    ],
    ['a pilot that is none', { 'p.json': '{}' }, [...usual, '--pilot', 'p.json'], 1, /p\.json: is no pilot/],
    [
      'a misspelt key',
      { 'p.yaml': 'currency: EUR\nhorizon: 3' },
      ['--diagnosis', 'report.json', '--prices', 'p.yaml'],
      2,
      /p\.yaml: has wrong values[\s\S]*horizon/,
    ],
    [
      'no tasks',
      { 'p.yaml': 'currency: EUR\ndevices: [{name: a, pricePerHour: 1}]' },
      ['--diagnosis', 'report.json', '--prices', 'p.yaml'],
      2,
      /"tasks" is empty/,
    ],
    ['steps that are none', {}, [...usual, '--steps', '0'], 2, /whole number above 0/],
  ])('names what is wrong: %s', async (_, files, args, expected, message) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const { code, stderr } = await estimated(args);
    expect(code, stderr).toBe(expected);
    expect(stderr).toMatch(message);
  });

  it('ships an example that says it is one', async () => {
    expect(await readFile(example, 'utf8')).toContain('Every figure here is an example');
  });
});
