import { describe, expect, it } from 'vitest';
import { diagnosisJUnit } from '../../report/index.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sampleDiagnosis } from './sample-diagnosis.ts';
import { type Element, parseXml } from './xml.ts';

const report = sampleDiagnosis();

/** What the Jenkins xunit plugin's junit-10.xsd, which GitLab and the usual GitHub actions read as well, lets stand in each element. */
const shape: Record<string, { needs: string[]; may: string[]; children: string[] }> = {
  testsuites: {
    needs: ['name'],
    may: ['time', 'tests', 'failures', 'disabled', 'errors'],
    children: ['testsuite'],
  },
  testsuite: {
    needs: ['name', 'tests', 'failures', 'errors', 'time', 'skipped', 'timestamp'],
    may: ['disabled', 'hostname', 'id', 'package'],
    children: ['properties', 'testcase', 'system-out', 'system-err'],
  },
  properties: { needs: [], may: [], children: ['property'] },
  property: { needs: ['name', 'value'], may: [], children: [] },
  testcase: {
    needs: ['name', 'time', 'classname'],
    may: ['group'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  failure: { needs: ['message', 'type'], may: [], children: [] },
  skipped: { needs: ['message'], may: ['type'], children: [] },
  'system-out': { needs: [], may: [], children: [] },
};

function checkShape({ attributes, children, name }: Element): void {
  const rules = shape[name];
  expect(rules, name).toBeDefined();
  const { children: allowed, may, needs } = rules!;
  expect(Object.keys(attributes)).toEqual(expect.arrayContaining(needs));
  expect([...needs, ...may]).toEqual(expect.arrayContaining(Object.keys(attributes)));
  for (const child of children) {
    expect(allowed, `${child.name} in ${name}`).toContain(child.name);
    checkShape(child);
  }
}

const junit = (change: Partial<DiagnosisReport> = {}) => parseXml(diagnosisJUnit({ ...report, ...change }));
const suite = (root: Element, name: string) =>
  root.children.find(({ attributes }) => attributes.name === name)!;
const casesIn = (root: Element) => root.children.filter(({ name }) => name === 'testcase');
const outcomeOf = ({ children }: Element) =>
  ['failure', 'skipped'].find((name) => children.some((child) => child.name === name)) ?? 'passed';
const failing = (root: Element) =>
  root.children.flatMap((one) => casesIn(one).filter((each) => outcomeOf(each) === 'failure'));

/** Milliseconds, which add up without a remainder. */
const timeOf = ({ attributes }: Element) => {
  expect(attributes.time).toMatch(/^\d+\.\d{3}$/);
  return Number(attributes.time!.replace('.', ''));
};

const steps: DiagnosisReport['steps'] = [
  { step: 'ingest', conditions: [], seconds: 3.25, cached: false },
  { step: 'importModel', conditions: [], seconds: 0, cached: true },
  {
    step: 'perturb',
    conditions: ['image_heavy/origin', 'image_heavy/misleading_text'],
    seconds: 2,
    cached: false,
  },
  {
    step: 'predict',
    conditions: ['image_heavy/origin', 'image_heavy/misleading_text', 'image_heavy/misleading_text_control'],
    seconds: 12,
    cached: false,
  },
  { step: 'attack', conditions: ['image_heavy/strong'], seconds: 61.0006, cached: false },
  { step: 'summarize', conditions: [], seconds: 0.5, cached: false },
];

describe('JUnit XML', () => {
  it('is of the shape that build servers read, whatever things are called', () => {
    const root = junit({ steps, model: { ...report.model, name: 'a "model" <b>&\u0000\u0008\ud800' } });
    checkShape(root);
    expect(root.attributes.name).toBe('modality-guard a "model" <b>&\ufffd\ufffd\ufffd');
    const [hostile] = casesIn(suite(root, 'gates'));
    expect(hostile!.attributes.name).toBe('a "rule" <b>&amp; | `all` \ufffdof it');
  });

  it('counts what stands in it', () => {
    const root = junit({ steps });
    const all = root.children.flatMap(casesIn);
    for (const one of [root, ...root.children]) {
      const own = one === root ? all : casesIn(one);
      expect(Number(one.attributes.tests)).toBe(own.length);
      for (const [what, attribute] of [
        ['failure', 'failures'],
        ['skipped', 'skipped'],
      ] as const)
        if (attribute in one.attributes)
          expect(Number(one.attributes[attribute])).toBe(
            own.filter((each) => outcomeOf(each) === what).length,
          );
    }
  });

  it('fails in the rules and findings that fail, and in nothing else', () => {
    const rules = report.gates.filter(({ verdict }) => verdict === 'fail');
    const findings = report.gates.flatMap(({ findings: found, name }) =>
      found
        .filter(({ verdict }) => verdict === 'fail')
        .map(({ condition }) => `${condition.split('/')[1]}: ${name}`),
    );
    expect(rules.length * findings.length).toBeGreaterThan(0);
    expect(failing(junit()).map(({ attributes }) => attributes.name)).toEqual(
      [...rules.map(({ name }) => name), ...findings].map((name) => name.replaceAll('\u0007', '\ufffd')),
    );
    expect(Number(junit().attributes.failures)).toBe(rules.length + findings.length);
    const kept = report.gates.map((gate) => ({
      ...gate,
      verdict: 'pass' as const,
      findings: gate.findings.map((finding) => ({ ...finding, verdict: 'pass' as const })),
    }));
    expect(failing(junit({ gates: kept }))).toEqual([]);
  });

  it('has a case for each finding of a rule, also for those on attacks and kinds of tasks', () => {
    const [gate] = report.gates;
    const finding = (condition: string, verdict: 'fail' | 'pass') => ({
      ...gate!.findings[0]!,
      condition,
      verdict,
    });
    const gates = [
      { ...gate!, name: 'attacks', findings: [finding('image_heavy/strong', 'fail')] },
      { ...gate!, name: 'worst', verdict: 'pass' as const, findings: [finding('text_heavy', 'pass')] },
    ];
    const cases = casesIn(suite(junit({ gates }), 'conditions'));
    const named = (name: string) => cases.filter(({ attributes }) => attributes.name === name).map(outcomeOf);
    expect(named('strong: attacks')).toEqual(['failure']);
    expect(named('origin: worst')).toEqual(['passed']);
  });

  it('passes over a drop that no rule asks about, and what is undecided: neither passed nor failed', () => {
    const cases = casesIn(suite(junit({ gates: [] }), 'conditions'));
    for (const one of cases) {
      const { classname, name } = one.attributes;
      const key = `${classname!.replace('conditions.', '')}/${name}`;
      const drop = report.measures.conditions[key]?.drop;
      expect(outcomeOf(one), key).toBe(!drop || drop.verdict === 'no_relevant_drop' ? 'passed' : 'skipped');
      if (drop?.verdict === 'drop')
        expect(one.children[0]!.attributes.message).toContain('no rule asks about it');
    }
    expect(cases).toHaveLength(Object.keys(report.base).length);
  });

  it('tells what each condition and step took, which adds up to what the run took', () => {
    const root = junit({ steps });
    const conditions = casesIn(suite(root, 'conditions'));
    const took = (classname: string, start: string) =>
      conditions
        .filter((one) => one.attributes.classname === classname && one.attributes.name!.startsWith(start))
        .map(timeOf);
    // 2 s over two conditions of 600; 12 s over these and a control, of which nothing more is known: 1 of 1201.
    const control = 12000 / 1201;
    expect(took('conditions.image_heavy', 'origin')).toEqual([Math.round(1000 + control * 600)]);
    expect(took('conditions.image_heavy', 'misleading_text:')).toEqual([
      Math.round(1000 + control * 600 + control),
    ]);
    expect(took('conditions.image_heavy', 'strong')).toEqual([61_001]);
    expect(casesIn(suite(root, 'steps')).map((one) => [one.attributes.name, timeOf(one)])).toEqual([
      ['ingest', 3250],
      ['importModel', 0],
      ['summarize', 500],
    ]);
    const sum = (all: Element[]) => all.reduce((total, one) => total + timeOf(one), 0);
    for (const one of root.children) expect(sum(casesIn(one))).toBe(timeOf(one));
    expect(sum(root.children)).toBe(timeOf(root));
    const worked = steps!.reduce((total, { seconds }) => total + 1000 * seconds, 0);
    expect(Math.abs(timeOf(root) - worked)).toBeLessThan(5);
  });

  it('tells the stages of a report of an earlier version, which has no steps', () => {
    const root = junit();
    expect(casesIn(suite(root, 'steps')).map((one) => [one.attributes.name, timeOf(one)])).toEqual([
      ['ingest', 3000],
      ['diagnose', 61_000],
    ]);
    expect(timeOf(root)).toBe(64_000);
  });
});
