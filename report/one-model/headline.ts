import { atChanceWords } from '../../diagnosis/index.ts';
import { controlNameOf, isInterference, withRightHints } from '../../schemas/benchmark.ts';
import type { AccuracyDrop, DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { isInPoints } from '../../schemas/gate.ts';
import {
  besideNeutral,
  type Condition,
  inside,
  percent,
  perturbationPhrase,
  signedPoints,
  sortedConditions,
  taskLabel,
} from '../labels.ts';
import { unansweredRule, unansweredWords } from './unanswered.ts';

export interface DropFound extends Condition {
  drop: AccuracyDrop;
}

/** What perturbations cost, the largest drop first; a right hint is none of them. */
export function dropsFound({ measures }: Pick<DiagnosisReport, 'measures'>): DropFound[] {
  const rightHints = withRightHints(measures.rightHints);
  return sortedConditions(Object.keys(measures.conditions))
    .flatMap((condition): DropFound[] => {
      const drop = measures.conditions[condition.key]?.drop;
      return drop && isInterference(condition.perturbation, rightHints) ? [{ ...condition, drop }] : [];
    })
    .sort((a, b) => b.drop.drop - a.drop.drop);
}

/** One sentence on what the diagnosis says nothing about; none where every sample of the split could be asked. */
export function notAskedNote({ notAsked }: Pick<DiagnosisReport, 'notAsked'>): string[] {
  if (!notAsked) return [];
  const { mostOptions, samples } = notAsked;
  const [questions, were] = samples === 1 ? ['question', 'was'] : ['questions', 'were'];
  return [
    `${samples} ${questions} with more than ${mostOptions} options ${were} not asked: the model has no letters for them.`,
  ];
}

const said: Record<DiagnosisReport['verdict'], string> = {
  pass: 'its rules are kept',
  fail: 'its rules are broken',
  inconclusive: 'its rules are not decided by these data',
};

/** What was found, for the first sentence: the largest drop that is one; else, that too much was not answered to say. */
function found(report: DiagnosisReport): string {
  const drops = dropsFound(report);
  const worst = drops.find(({ drop }) => drop.verdict === 'drop');
  const clean = worst && report.base[`${worst.kind}/origin`]?.accuracy;
  const after = worst && report.base[worst.key]?.accuracy;
  if (worst && typeof clean === 'number' && typeof after === 'number') {
    const tasks = taskLabel(worst.kind).toLowerCase();
    return `On ${tasks}, ${perturbationPhrase(worst.perturbation)} cuts the model’s accuracy from ${percent(clean)} to ${percent(after)}${besideNeutral(report.base, worst.key)}`;
  }
  const missing = unansweredRule(report) && unansweredWords(report);
  if (missing) return `${missing}: too few answers to say what perturbations cost`;
  if (drops.length === 0) return mostChanged(report);
  const decidable = drops.filter(({ drop }) => drop.verdict !== 'at_chance');
  if (decidable.length === 0) return 'Whether perturbations cost accuracy cannot be said';
  if (decidable.every(({ drop }) => drop.verdict === 'no_relevant_drop'))
    return `No perturbation costs accuracy that matters${decidable.length < drops.length ? ' where the model can be diagnosed' : ''}`;
  return 'These data show no drop of accuracy, and do not rule one out';
}

function mostChanged({ base, measures }: DiagnosisReport): string {
  const rightHints = withRightHints(measures.rightHints);
  const most = sortedConditions(Object.keys(base))
    .filter(({ perturbation }) => isInterference(perturbation, rightHints))
    .flatMap((condition) => {
      const rate = base[condition.key]!.changeRate;
      return rate === null ? [] : [{ ...condition, rate }];
    })
    .sort((a, b) => b.rate - a.rate)[0];
  if (!most) return 'Nothing was perturbed';
  const tasks = taskLabel(most.kind).toLowerCase();
  return `On ${tasks}, ${perturbationPhrase(most.perturbation)} changes ${percent(most.rate)} of the answers`;
}

/** A sentence for each kind, or task of the team, on whose unperturbed samples the model does no better than chance. */
export function chanceNotes({
  floors = {},
  taskFloors = {},
}: Pick<DiagnosisMeasures, 'floors' | 'taskFloors'>): string[] {
  const named = [
    ...Object.entries(floors).map(([kind, floor]) => [inside(taskLabel(kind)), floor] as const),
    ...Object.entries(taskFloors).map(([task, floor]) => [`the task ${task}`, floor] as const),
  ];
  return named.flatMap(([name, floor]) =>
    floor.atChance ? [`On ${name} the model ${atChanceWords(floor)}.`] : [],
  );
}

/** The report's own verdict is also about which model answered. */
function verdictOfRules(gates: DiagnosisReport['gates']): DiagnosisReport['verdict'] {
  const open = gates.some(({ verdict }) => verdict === 'inconclusive') ? 'inconclusive' : 'pass';
  return gates.some(({ verdict }) => verdict === 'fail') ? 'fail' : open;
}

const servedSentences: readonly [DiagnosisReport['verdict'], string][] = [
  ['fail', 'The model behind the address is not that of the night before.'],
  ['inconclusive', 'The answers come from more than one model.'],
];

/** The diagnosis in one sentence, and one for each kind of task that cannot be diagnosed. */
export function diagnosisHeadline(report: DiagnosisReport): string {
  const { gates, served } = report;
  const rules = gates.length > 0 ? `; ${said[verdictOfRules(gates)]}` : '';
  const model = servedSentences.flatMap(([verdict, sentence]) =>
    served?.findings.some((finding) => finding.verdict === verdict) ? [sentence] : [],
  );
  return [...model, `${found(report)}${rules}.`, ...chanceNotes(report.measures)].join(' ');
}

const findings: Record<AccuracyDrop['verdict'], string> = {
  drop: 'a drop',
  no_relevant_drop: 'none that matters',
  not_enough_data: 'too few samples to say',
  at_chance: 'cannot be diagnosed: at chance',
};

/**
 * Whether it is a text's content that costs accuracy, or its length alone, as neutral text of the same length does; '' where neither is
 * shown, or no such text was measured.
 */
export function costOfWhat({ conditions }: Pick<DiagnosisMeasures, 'conditions'>, key: string): string {
  const content = conditions[key]?.dropAgainstControl?.verdict;
  const length = conditions[controlNameOf(key)]?.drop?.verdict;
  if (!content || !length) return '';
  if (content === 'drop') {
    if (length === 'drop') return 'its length alone costs, and its content more';
    return length === 'no_relevant_drop' ? 'its content costs, not its length' : 'its content costs';
  }
  if (length !== 'drop') return '';
  return content === 'no_relevant_drop'
    ? 'its length alone costs, not its content'
    : 'its length alone costs; whether its content adds to it is open';
}

/** A drop's finding in words; where data are too few, with how many would do. */
export function findingOf({ pairsNeeded, verdict }: AccuracyDrop, what = ''): string {
  const more = verdict === 'not_enough_data' ? `; ${pairsNeeded} samples would` : '';
  return `${findings[verdict]}${more}${what && `; ${what}`}`;
}

/** Points lost with their interval: "+20.0 (+16.1 to +24.2)". */
export function lostOf({ ci95, drop }: Pick<AccuracyDrop, 'ci95' | 'drop'>): string {
  return `${signedPoints(drop)} (${signedPoints(ci95[0])} to ${signedPoints(ci95[1])})`;
}

/** A gate's value and interval as a person reads them; drops in points, all else in percent. */
export function gateFigures(gate: {
  figure?: string;
  value: number | null;
  interval: readonly [number, number] | null;
}): string {
  const { figure, interval, value } = gate;
  if (value === null || interval === null) return 'not measured';
  const say = isInPoints(figure) ? signedPoints : (share: number) => percent(share);
  return `${say(value)} (${say(interval[0])} to ${say(interval[1])})`;
}

/** What a gate asks for: "at most 5.0 points". */
export function demandOf({ figure, limit, threshold }: DiagnosisReport['gates'][number]): string {
  const amount = isInPoints(figure) ? `${(threshold * 100).toFixed(1)} points` : percent(threshold);
  return `${limit === 'atMost' ? 'at most' : 'at least'} ${amount}`;
}

const featureWords: Record<string, string> = {
  task: 'task',
  scenario: 'perturbation',
  template: 'template',
  answerPosition: 'right answer at',
  hintedClass: 'hint names',
  hintedPosition: 'hint points to',
  brightness: 'brightness',
  textLength: 'text',
  textWords: 'with options',
  confidence: 'clean confidence',
};

/** A pattern in words. */
export function patternWords(features: Readonly<Record<string, string>>): string {
  return Object.entries(features)
    .map(([feature, value]) => `${featureWords[feature] ?? feature} ${value}`)
    .join(' · ');
}
