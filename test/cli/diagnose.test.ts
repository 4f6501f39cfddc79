import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { connectServer, type ServerConnection } from '../../worker/server/index.ts';
import { type Project, smallProject } from '../support/project.ts';
import { modalityGuard } from './command.ts';

let project: Project;
let server: ServerConnection;
beforeAll(async () => {
  project = await smallProject(({ diagnosis }) => {
    diagnosis.samples = 36;
  });
  server = await connectServer({ stateDir: join(project.folder, 'server'), log: () => {} });
});
afterAll(async () => {
  await server?.close();
  await project?.remove();
});

const inProject = (...args: string[]) =>
  modalityGuard([...args, '--json', '--no-input', '--state-dir', join(project.folder, 'state')], {
    folder: project.folder,
    env: { TEMPORAL_ADDRESS: server.address },
  });

async function gateFile(yaml: string): Promise<string> {
  const file = join(project.folder, 'gate.yaml');
  await writeFile(file, yaml);
  return file;
}

const rule = (figure: string, limit: string) =>
  `gates:\n  - {name: a rule, condition: image_heavy/misleading_text, figure: ${figure}, ${limit}}\n`;

const earlierRule =
  'gates:\n  - {name: no worse, figure: dropAgainstEarlier, condition: image_heavy/misleading_text, atMost: 0.2}\n';

describe('diagnose', { timeout: 300_000 }, () => {
  it('prints a report as the pipeline does, with a verdict, and ends with 0 whatever built-in rules say', async () => {
    const { code, stderr, stdout } = await inProject('diagnose');
    expect(code, stderr).toBe(0);
    const { files, status, store, ...report } = JSON.parse(stdout);
    expect(status).toBe('completed');
    expect(files.html).toContain(join(project.folder, 'state/runs'));
    expect(store).toBe(join(project.folder, 'state/store'));
    const { base, gates, pgd, rules } = DiagnosisReport.omit({ examples: true }).parse(report);
    expect(base['image_heavy/misleading_text']!.n).toBe(36);
    expect(pgd).toHaveLength(4);
    expect(pgd[0]).toMatchObject({ taskKind: 'image_heavy', attack: 'pgd', eps: 0, after: null });
    expect(rules).toBe('built-in');
    expect(gates.map(({ figure, rule: condition }) => `${figure} ${condition}`)).toEqual([
      'drop image_heavy/*',
      'dropAgainstControl image_heavy/*',
      'drop text_heavy/*',
    ]);
  });

  it('writes the report in all its forms, and tables that other programs read', async () => {
    const out = join(project.folder, 'out');
    const { code, stderr, stdout } = await inProject('diagnose', '--out', out);
    expect(code, stderr).toBe(0);
    const { files } = JSON.parse(stdout);
    expect(files.html).toBe(join(out, 'report.html'));
    const report = DiagnosisReport.parse(JSON.parse(await readFile(files.json, 'utf8')));
    const connection = await (await DuckDBInstance.create()).connect();
    const rows = async (query: string) => (await connection.runAndReadAll(query)).getRowObjectsJson();
    const conditions = Object.keys(report.base).length;
    for (const file of [files.figures, files.figuresParquet]) {
      const [found] = await rows(
        `select count(*)::int as n, count(*) filter (accuracyLow <= accuracy and accuracy <= accuracyHigh)::int as within, max(accuracy) filter (perturbation = 'misleading_text') as misled from '${file}'`,
      );
      expect(found).toEqual({
        n: conditions + report.pgd.length,
        within: conditions + report.pgd.length,
        misled: report.base['image_heavy/misleading_text']!.accuracy,
      });
    }
    // Every failing case, in the page and in the tables beside it.
    for (const file of [files.cases, files.casesParquet]) {
      const [cases] = await rows(
        `select count(*) filter (failure = 'talked_out')::int as n, count(distinct id || perturbation)::int as several, count(*)::int as n_all from '${file}'`,
      );
      expect(cases).toMatchObject({ n: report.patterns.failures, several: cases!.n_all });
    }
    const log = await rows(
      `select kind || '/' || perturbation as condition, count(*)::int as n, avg(changed::int) as changed, avg((predicted = answer)::int) as accuracy
       from '${files.sampleLog}' group by 1`,
    );
    expect(log).toHaveLength(conditions);
    for (const { accuracy, changed, condition, n } of log) {
      const figures = report.base[condition as string]!;
      expect(n).toBe(figures.n);
      expect(changed).toBeCloseTo(figures.changeRate!, 12);
      expect(accuracy).toBeCloseTo(figures.accuracy!, 12);
    }
  });

  it('keeps its report, and compares with an earlier one by folder or by id', async () => {
    const out = join(project.folder, 'out');
    const { files: _, workflowId } = JSON.parse((await inProject('diagnose')).stdout);
    const found = await inProject('report', workflowId);
    expect(JSON.parse(found.stdout)).toMatchObject({ workflowId });
    const against = await inProject('diagnose', '--against', out, '--gate', await gateFile(earlierRule));
    expect(against.code, against.stderr).toBe(0);
    const { comparison, gates } = JSON.parse(against.stdout);
    expect(gates).toMatchObject([{ figure: 'dropAgainstEarlier', verdict: 'pass', value: 0 }]);
    expect(comparison.conditions.length).toBeGreaterThan(10);
    for (const { otherAnswers } of comparison.conditions) expect(otherAnswers).toBe(0);
    const compared = await inProject('compare', out, workflowId, '--fail-on', 'worse');
    expect(compared.code, compared.stderr).toBe(0);
    expect(JSON.parse(compared.stdout).conditions).toEqual(comparison.conditions);
    const other = await inProject('diagnose', '--against', out, '--seed', '8', '--dry-run');
    expect(other.code).toBe(2);
    expect(JSON.parse(other.stdout).error.message).toMatch(/the seed was 7, and is 8/);
    const unknown = await inProject('compare', out, 'diagnose/tiny/none');
    expect(unknown.code).toBe(1);
    expect(JSON.parse(unknown.stdout).error.message).toContain(`(there are: ${workflowId})`);
  });

  it('ends with 3 where a rule fails, and with 0 where all pass', async () => {
    const failing = await inProject('diagnose', '--gate', await gateFile(rule('accuracy', 'atLeast: 0.99')));
    expect(failing.code, failing.stderr).toBe(3);
    expect(JSON.parse(failing.stdout)).toMatchObject({
      verdict: 'fail',
      rules: 'given',
      gates: [{ name: 'a rule', verdict: 'fail', limit: 'atLeast', threshold: 0.99 }],
    });
    const passing = await inProject('diagnose', '--gate', await gateFile(rule('accuracy', 'atLeast: 0.01')));
    expect(passing.code, passing.stderr).toBe(0);
    expect(JSON.parse(passing.stdout).verdict).toBe('pass');
  });

  it('an open rule ends with 0 unless it asks for more', async () => {
    const open = 'atMost: 0.0, minimumSamples: 1000';
    const asked = await inProject('diagnose', '--gate', await gateFile(rule('drop', open)));
    expect(JSON.parse(asked.stdout).verdict).toBe('inconclusive');
    expect(asked.code, asked.stderr).toBe(0);
    const strict = await inProject(
      'diagnose',
      '--gate',
      await gateFile(rule('drop', `${open}, onNotEnoughData: fail`)),
    );
    expect(strict.code, strict.stderr).toBe(3);
  });

  it('refuses a gate file that is wrong, naming file and key', async () => {
    const file = await gateFile(rule('drop', 'atMosst: 0.1'));
    const { code, stdout } = await inProject('diagnose', '--gate', file);
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout);
    expect(error.code).toBe('BAD_CONFIG');
    expect(error.message).toContain(file);
    expect(error.message).toContain('atMosst');
  });
});
