import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sortedConditions } from '../labels.ts';
import { costOfWhat, findingOf, lostOf } from './headline.ts';
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
}

function caseXml({ classname, message, name, outcome }: Case): string {
  const open = `    <testcase classname="${xml(classname)}" name="${xml(name)}" time="0">`;
  if (outcome === 'passed') return `${open}<system-out>${xml(message)}</system-out></testcase>`;
  const body =
    outcome === 'failure' ? `<failure message="${xml(message)}" type="gate">${xml(message)}</failure>` : '';
  return `${open}${body || `<skipped message="${xml(message)}"/>`}</testcase>`;
}

function suite(name: string, cases: readonly Case[], { createdAt }: DiagnosisReport): string[] {
  const count = (outcome: Case['outcome']) => cases.filter((one) => one.outcome === outcome).length;
  const time = createdAt.slice(0, 19);
  return [
    `  <testsuite name="${name}" tests="${cases.length}" failures="${count('failure')}" errors="0" skipped="${count('skipped')}" timestamp="${time}" time="0">`,
    ...cases.map(caseXml),
    '  </testsuite>',
  ];
}

const outcomes = { pass: 'passed', fail: 'failure', inconclusive: 'skipped' } as const;

function gateCases(report: DiagnosisReport): Case[] {
  const served = servedFindings(report).map(({ name, reason, verdict }) => ({
    name,
    classname: 'gates.served',
    outcome: outcomes[verdict],
    message: reason,
  }));
  const rules = report.gates.map(({ name, reason, rule, verdict }) => ({
    name,
    classname: `gates.${rule}`,
    outcome: outcomes[verdict],
    message: reason,
  }));
  return [...served, ...rules];
}

/** Conditions only tell what was found: rules alone decide what fails. */
function conditionCases(report: DiagnosisReport): Case[] {
  const { measures } = report;
  return sortedConditions(Object.keys(measures.conditions)).flatMap(({ key, kind, perturbation }): Case[] => {
    const drop = measures.conditions[key]?.drop;
    if (!drop) return [];
    const missing = unansweredOf(report.base[key]!);
    const also = missing > 0 ? `; ${missing} of ${report.base[key]!.n} were not answered` : '';
    const message = `points lost ${lostOf(drop)} on ${drop.n} samples: ${findingOf(drop, costOfWhat(measures, key))}${also}`;
    const undecided = drop.verdict === 'not_enough_data' || drop.verdict === 'at_chance';
    const outcome = undecided ? 'skipped' : 'passed';
    return [{ name: perturbation, classname: `conditions.${kind}`, outcome, message }];
  });
}

/** A diagnosis as JUnit XML: a test case a rule, and one a condition with its finding; what is undecided is skipped. */
export function diagnosisJUnit(report: DiagnosisReport): string {
  const suites = [
    ...suite('gates', gateCases(report), report),
    ...suite('conditions', conditionCases(report), report),
  ];
  const failures = gateCases(report).filter(({ outcome }) => outcome === 'failure').length;
  const tests = gateCases(report).length + conditionCases(report).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(`modality-guard ${report.model.name}`)}" tests="${tests}" failures="${failures}" errors="0" time="0">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}
