import { controlledBy, isControl } from '../../schemas/benchmark.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { type Condition, conditionParts, percent, sortedConditions } from '../labels.ts';
import { factsOf } from './facts.ts';
import { costOfWhat, demandOf, findingOf, gateFigures, lostOf } from './headline.ts';
import { servedFindings } from './served.ts';
import { unansweredOf } from './unanswered.ts';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** XML 1.0 has no place for most control characters, nor for half a character. */
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const xml = (text: string) =>
  text.replaceAll(forbidden, '\ufffd').replaceAll(/[&<>"]/g, (character) => entities[character] as string);

interface Case {
  name: string;
  classname: string;
  /** What the case says of itself, and how it ended. */
  outcome: 'passed' | 'failure' | 'skipped';
  message: string;
  /** Of work. */
  seconds: number;
}

const milliseconds = (seconds: number) => Math.round(seconds * 1000);
/** Seconds with three digits; sums are of what is shown. */
const time = (cases: readonly Pick<Case, 'seconds'>[]) =>
  (cases.reduce((sum, { seconds }) => sum + milliseconds(seconds), 0) / 1000).toFixed(3);

function caseXml(one: Case): string {
  const { classname, message, name, outcome } = one;
  const open = `    <testcase classname="${xml(classname)}" name="${xml(name)}" time="${time([one])}">`;
  if (outcome === 'passed') return `${open}<system-out>${xml(message)}</system-out></testcase>`;
  const body =
    outcome === 'failure' ? `<failure message="${xml(message)}" type="gate">${xml(message)}</failure>` : '';
  return `${open}${body || `<skipped message="${xml(message)}"/>`}</testcase>`;
}

const count = (cases: readonly Case[], outcome: Case['outcome']) =>
  cases.filter((one) => one.outcome === outcome).length;

function suite(
  name: string,
  cases: readonly Case[],
  { createdAt }: DiagnosisReport,
  properties: readonly string[] = [],
): string[] {
  const counts = `tests="${cases.length}" failures="${count(cases, 'failure')}" errors="0" skipped="${count(cases, 'skipped')}"`;
  return [
    `  <testsuite name="${name}" ${counts} timestamp="${createdAt.slice(0, 19)}" time="${time(cases)}">`,
    ...properties,
    ...cases.map(caseXml),
    '  </testsuite>',
  ];
}

const outcomes = { pass: 'passed', fail: 'failure', inconclusive: 'skipped' } as const;

/** Judging takes no time that counts. */
function gateCases(report: DiagnosisReport): Case[] {
  const served = servedFindings(report).map(({ name, reason, verdict }) => ({
    name,
    classname: 'gates.served',
    outcome: outcomes[verdict],
    message: reason,
    seconds: 0,
  }));
  const rules = report.gates.map(({ name, reason, rule, verdict }) => ({
    name,
    classname: `gates.${rule}`,
    outcome: outcomes[verdict],
    message: reason,
    seconds: 0,
  }));
  return [...served, ...rules];
}

/** What was measured under a condition, in words. */
function measured({ base, measures }: DiagnosisReport, key: string): string {
  const figures = base[key]!;
  const drop = measures.conditions[key]?.drop;
  const missing = unansweredOf(figures);
  const also = missing > 0 ? `; ${missing} of ${figures.n} were not answered` : '';
  if (drop)
    return `points lost ${lostOf(drop)} on ${drop.n} samples: ${findingOf(drop, costOfWhat(measures, key))}${also}`;
  const right = figures.accuracy === null ? 'no labels' : `accuracy ${percent(figures.accuracy)}`;
  const changed =
    figures.changeRate === null || key.endsWith('/origin') ? '' : `, changed ${percent(figures.changeRate)}`;
  return `${right}${changed} on ${figures.n} samples${also}`;
}

/** What each rule found under a condition. */
function findingCases(
  { gates }: DiagnosisReport,
  { key, kind, perturbation }: Condition,
  said: string,
): Case[] {
  return gates.flatMap((gate) =>
    gate.findings
      .filter(({ condition }) => condition === key)
      .map((finding): Case => {
        const found = `${gate.name}: found ${gateFigures({ ...finding, figure: gate.figure })} on ${finding.n} samples, asked ${demandOf(gate)}`;
        return {
          name: `${perturbation}: ${gate.name}`,
          classname: `conditions.${kind}`,
          outcome: outcomes[finding.verdict],
          message: said === '' ? found : `${found}; ${said}`,
          seconds: 0,
        };
      }),
  );
}

/**
 * A condition that no rule looks at only tells what was found: a drop that nobody has judged is neither kept nor broken, nor is what the
 * data do not decide.
 */
function toldCase({ measures }: DiagnosisReport, { key, kind, perturbation }: Condition, said: string): Case {
  const verdict = measures.conditions[key]?.drop?.verdict ?? 'no_relevant_drop';
  const judged = verdict === 'drop' ? `${said}; no rule asks about it` : said;
  const outcome = verdict === 'no_relevant_drop' ? 'passed' : 'skipped';
  return { name: perturbation, classname: `conditions.${kind}`, outcome, message: judged, seconds: 0 };
}

const countOf = ({ base }: DiagnosisReport, condition: string) => base[condition]?.n ?? 1;

/** Work by condition, what its neutral control took included, and by step where it is of no condition. */
function workOf(report: DiagnosisReport) {
  const conditions = new Map<string, number>();
  const steps = new Map<string, { seconds: number; cached: boolean }>();
  for (const { cached, conditions: several, seconds, step } of report.steps ?? []) {
    const asked = several.reduce((sum, condition) => sum + countOf(report, condition), 0);
    for (const condition of several) {
      const key = isControl(condition) ? controlledBy(condition) : condition;
      const share = (seconds * countOf(report, condition)) / asked;
      conditions.set(key, (conditions.get(key) ?? 0) + share);
    }
    if (several.length > 0) continue;
    const before = steps.get(step) ?? { seconds: 0, cached: true };
    steps.set(step, { seconds: before.seconds + seconds, cached: before.cached && cached });
  }
  if (!report.steps)
    for (const [stage, seconds] of Object.entries(report.seconds))
      steps.set(stage, { seconds, cached: report.cached.includes(stage) });
  return { conditions, steps };
}

/** A case a finding, grouped by conditions in the order of reports, of which the first has what the condition took. */
function conditionCases(report: DiagnosisReport, seconds: ReadonlyMap<string, number>): Case[] {
  const there = sortedConditions(Object.keys(report.base));
  const others = report.gates
    .flatMap(({ findings }) => findings.map(({ condition }) => condition))
    .filter((key) => !(key in report.base));
  const rest = [...new Set([...others, ...seconds.keys()])].filter(
    (key) => !there.some((one) => one.key === key),
  );
  return [...there, ...rest.map(conditionParts)].flatMap((condition) => {
    const { key, kind, perturbation } = condition;
    const said = key in report.base ? measured(report, key) : '';
    const found = findingCases(report, condition, said);
    const told: Case[] =
      key in report.base
        ? [toldCase(report, condition, said)]
        : [
            {
              name: perturbation,
              classname: `conditions.${kind}`,
              outcome: 'passed',
              message: 'done',
              seconds: 0,
            },
          ];
    const [first, ...more] = found.length > 0 ? found : told;
    return [{ ...first!, seconds: seconds.get(key) ?? 0 }, ...more];
  });
}

function stepCases(steps: ReturnType<typeof workOf>['steps']): Case[] {
  return [...steps].map(([name, { cached, seconds }]) => ({
    name,
    classname: 'steps',
    outcome: 'passed',
    message: cached ? 'from the cache' : 'done',
    seconds,
  }));
}

function propertiesOf(report: DiagnosisReport): string[] {
  const { codeVersion, model, runId, seed, verdict, workflowId } = report;
  const all = [
    { name: 'Verdict', value: verdict },
    { name: 'Model', value: `${model.name} (${model.base})` },
    { name: 'Run', value: `${workflowId}, ${runId}` },
    { name: 'Seed', value: String(seed) },
    { name: 'Code version', value: codeVersion },
    ...factsOf(report),
  ];
  return [
    '    <properties>',
    ...all.map(({ name, value }) => `      <property name="${xml(name)}" value="${xml(value)}"/>`),
    '    </properties>',
  ];
}

/**
 * A diagnosis as JUnit XML: a test case a rule, one a finding of a rule under a condition, and one a step of work. What fails is what the rules
 * say fails; what is undecided is skipped. Times are seconds of work; steps that worked on several conditions together are divided by their
 * questions.
 */
export function diagnosisJUnit(report: DiagnosisReport): string {
  const { conditions, steps } = workOf(report);
  const suites = {
    gates: gateCases(report),
    conditions: conditionCases(report, conditions),
    steps: stepCases(steps),
  };
  const all = Object.values(suites).flat();
  const counts = `tests="${all.length}" failures="${count(all, 'failure')}" errors="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(`modality-guard ${report.model.name}`)}" ${counts} time="${time(all)}">`,
    ...suite('gates', suites.gates, report, propertiesOf(report)),
    ...suite('conditions', suites.conditions, report),
    ...suite('steps', suites.steps, report),
    '</testsuites>',
    '',
  ].join('\n');
}
