import { isInterference, withRightHints } from '../../schemas/benchmark.ts';
import type { AccuracyDrop } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sumOfUnanswered, whyUnanswered } from '../../schemas/unanswered.ts';
import { inside, perturbationLabel, taskLabel } from '../labels.ts';
import { caseWords, oftenWords } from '../showcase.ts';
import { costWords } from './facts.ts';
import { dropsFound } from './headline.ts';
import { servedFindings } from './served.ts';
import { unansweredRule, unansweredWords } from './unanswered.ts';

/** What somebody who decides has to know first, a sentence each. */
export interface Story {
  /** One case, and how often its like happens. */
  happened: string[];
  cost: string[];
  next: string[];
}

const dropOf = ({ measures }: DiagnosisReport, condition: string): AccuracyDrop | null =>
  measures.conditions[condition]?.drop ?? null;

const kindsAtChance = ({ measures: { floors = {} } }: DiagnosisReport) =>
  Object.entries(floors).flatMap(([kind, { atChance }]) => (atChance ? [kind] : []));

/** Why there is no case; none of a report of an earlier version, which did not look for one. */
function noCase(report: DiagnosisReport): string[] {
  const { cases, failure, failures } = report.patterns;
  const missing = unansweredRule(report) ? unansweredWords(report) : null;
  if (missing) return [`No case is shown: ${inside(missing)}.`];
  if (cases === 0) return ['No case is shown: nothing that could fail was perturbed.'];
  if (kindsAtChance(report).length > 0)
    return ['No case is shown: where the model does no better than chance, one answer tells nothing.'];
  if (failures > 0) return [];
  return failure === 'talked_out'
    ? ['In these samples no right answer became a wrong one under a perturbation.']
    : ['In these samples no answer changed under a perturbation.'];
}

function happened(report: DiagnosisReport): string[] {
  const { showcase } = report;
  if (!showcase) return noCase(report);
  const missing = unansweredRule(report) ? unansweredWords(report) : null;
  const verdict = dropOf(report, showcase.condition)?.verdict;
  return [caseWords(showcase), oftenWords(showcase, verdict, missing)];
}

const per = 1000;
const money = (amount: number) => String(Math.round(amount));

/** What decisions under the worst condition cost the tasks whose errors have a price. */
function damage(report: DiagnosisReport): string[] {
  const { measures, tasks = [] } = report;
  const worst = dropsFound(report).find(({ drop }) => drop.verdict === 'drop');
  if (!worst || unansweredRule(report)) return ['No loss was shown that could be priced.'];
  const decider = { image_heavy: 'image', text_heavy: 'text' }[worst.kind];
  const priced = tasks.filter(({ decides, errorCost }) => decides === decider && errorCost);
  const said = priced.flatMap(({ errorCost = 0, name }) => {
    const own = measures.tasks?.[name]?.[worst.key];
    const drop = own ? (own.n >= 30 ? own.drop : null) : worst.drop;
    // A task's own samples may show no loss where all of its kind together do.
    if (!drop || drop.ci95[0] <= 0) return [];
    const [more, low, high] = [drop.drop, ...drop.ci95].map((share) => Math.round(per * share)) as [
      number,
      number,
      number,
    ];
    return [
      `Of ${per} decisions of the task ${name} under ${inside(perturbationLabel(worst.perturbation))}, ${more} more are wrong (95 %: ${low} to ${high}). At ${errorCost} for each wrong one that is ${money(more * errorCost)} (${money(low * errorCost)} to ${money(high * errorCost)}), in the currency of the task file.`,
    ];
  });
  if (said.length > 0) return said;
  return [
    'What that costs is not known. “modality-guard estimate --diagnosis report.json --prices <file>” tells it from prices, and whether a repair pays.',
  ];
}

function cost(report: DiagnosisReport): string[] {
  const asked = costWords(report);
  return [...damage(report), ...(asked === null ? [] : [`The cost of asking the model is ${asked}.`])];
}

function repairSteps({ endpoint, tasks = [] }: DiagnosisReport): string[] {
  const owners = [...new Set(tasks.flatMap(({ owner }) => owner ?? []))];
  const who = owners.length > 0 ? ` with ${owners.join(' and ')}` : '';
  return [
    `Look through the cases below${who}, and let a person decide where such inputs occur.`,
    endpoint
      ? 'Through an address a model cannot be trained. Train it as a folder (“modality-guard run --model <folder>”), elsewhere on the samples of “modality-guard export-data”, or show its provider the cases.'
      : 'Repair it: “modality-guard pilot” shows in short trainings what to expect, “modality-guard run” trains it and rolls it out in stages.',
  ];
}

/** Conditions that could show interference. */
const conditionsOf = ({ base, measures }: DiagnosisReport) =>
  Object.keys(base).filter((key) =>
    isInterference(key.slice(key.indexOf('/') + 1), withRightHints(measures.rightHints)),
  );

/** Samples that would decide what these do not; null: nothing is open for that reason. Neutral controls and right hints are no question. */
function samplesNeeded(report: DiagnosisReport): number | null {
  const open = conditionsOf(report).flatMap((key) => {
    const drop = dropOf(report, key);
    return drop?.verdict === 'not_enough_data' ? [drop.pairsNeeded] : [];
  });
  return open.length > 0 ? Math.max(...open) : null;
}

function openSteps(report: DiagnosisReport): string[] {
  const { gates, measures } = report;
  const needed = samplesNeeded(report);
  if (conditionsOf(report).length === 0)
    return ['Nothing was perturbed, so that nothing is known: diagnose with “--level L1” or more.'];
  if (gates.length === 0) return ['Say what the model must keep to: a gate file (--gate) has the rules.'];
  const labels = Object.values(measures.conditions).some(({ drop }) => drop !== null)
    ? []
    : ['Label some samples: without right answers no loss of accuracy can be measured.'];
  const more =
    needed === null
      ? 'Ask more samples, or other ones: these do not decide every rule.'
      : `Ask more samples: about ${needed} a condition would show a drop that matters (--samples ${needed}).`;
  return [...labels, more, 'Until then do not take it for robust.'];
}

const passedSteps = [
  'Keep the rules in your build (“modality-guard diagnose --gate <file>” ends with 3 where one fails), and diagnose again whenever model, prompts or data change.',
  'What was not tested is not known: add the misinformation of your own business as scenario packs.',
];

function next(report: DiagnosisReport): string[] {
  const served = servedFindings(report).some(({ verdict }) => verdict !== 'pass')
    ? [
        'Find out from whoever runs the server which model answers, and diagnose again: the figures may not be those of one model, or of yours.',
      ]
    : [];
  if (unansweredRule(report)) {
    const { counts } = sumOfUnanswered(Object.values(report.base).map(({ unanswered }) => unanswered));
    return [
      ...served,
      `See to it that questions are answered, and diagnose again: ${whyUnanswered(counts, report.endpoint)}.`,
    ];
  }
  const chance = kindsAtChance(report).map(
    (kind) =>
      `On ${inside(taskLabel(kind))} check prompt, options and labels first: nothing can be diagnosed where the model does no better than chance.`,
  );
  const failed = report.gates.some(({ verdict }) => verdict === 'fail');
  if (failed) return [...served, ...chance, ...repairSteps(report)];
  if (report.verdict === 'pass') return [...served, ...chance, ...passedSteps];
  return [...served, ...chance, ...openSteps(report)];
}

/** One case with a plain sentence, what it costs, and what to do next. */
export const storyOf = (report: DiagnosisReport): Story => ({
  happened: happened(report),
  cost: cost(report),
  next: next(report),
});
