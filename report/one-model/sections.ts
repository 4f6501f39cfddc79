import { controlNameOf } from '../../schemas/benchmark.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { barChart } from '../charts/bars.ts';
import { type Content, type Html, html } from '../html.ts';
import { percent, perturbationLabel, taskLabel, taskNote } from '../labels.ts';
import { card, figuresTable, section, stacks, table, verdictBadge } from '../sections/parts.ts';
import { type ConditionRow, conditionRows, worstOfPacks } from './conditions.ts';
import { costOfWhat, demandOf, findingOf, gateFigures, lostOf, patternWords } from './headline.ts';
import { changedOf, someUnanswered, unansweredOf } from './unanswered.ts';

type Gate = DiagnosisReport['gates'][number];

function gateItem(gate: Gate): Html {
  const { findings, name, reason, verdict } = gate;
  const rows = findings.map((finding): Content[] => [
    finding.condition,
    finding.n,
    gateFigures({ ...finding, figure: gate.figure }),
    verdictBadge(finding.verdict),
  ]);
  const caption = `${name}: ${demandOf(gate)}`;
  const columns = ['Condition', '#n', '#Found', 'Verdict'];
  const details =
    findings.length > 1 &&
    figuresTable({ caption, columns, rows }, false, `All ${findings.length} conditions`);
  return html`<li class="stage ${verdict}"><div class="stage-head"><h3>${name}</h3>${verdictBadge(verdict)}</div>
<p>${reason.charAt(0).toUpperCase()}${reason.slice(1)}</p>${details}</li>`;
}

/** Each rule with its verdict and reason. */
export function gateSection({ gates, rules }: DiagnosisReport): Html | null {
  if (gates.length === 0) return null;
  const whose =
    rules === 'given'
      ? 'The rules of the gate file.'
      : 'Built-in rules, as no gate file was given; they fail no command, but for that on questions without an answer.';
  return section(
    'gates',
    'Does the model keep to the rules?',
    `${whose} A rule passes where the figure keeps to it under every condition with the rule’s confidence, and fails where it is beyond it under one; else the data do not decide.`,
    html`<ol class="timeline">${gates.map(gateItem)}</ol>`,
  );
}

function rowsByKind(report: DiagnosisReport): Map<string, ConditionRow[]> {
  const kinds = new Map<string, ConditionRow[]>();
  for (const row of conditionRows(report)) kinds.set(row.kind, [...(kinds.get(row.kind) ?? []), row]);
  return kinds;
}

const maybe = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : percent(value);

function figuresOf(report: DiagnosisReport, kind: string, rows: readonly ConditionRow[]) {
  const { conditions } = report.measures;
  const missing = someUnanswered(report);
  const hasControls = rows.some(({ key }) => conditions[key]?.dropAgainstControl);
  const neutral = hasControls
    ? ', accuracy under neutral text of the same length and what is lost against it'
    : '';
  return {
    caption: `${taskLabel(kind)}: accuracy, accuracy lost (points, 95 %)${neutral}, changed answers, divergences (nats), calibration error`,
    columns: [
      'Perturbation',
      '#n',
      '#Accuracy',
      '#Lost',
      ...(hasControls ? ['#Neutral', '#Lost against it'] : []),
      'Finding',
      '#Changed',
      '#Followed',
      '#KL',
      '#JS',
      '#ECE',
      ...(missing ? ['#Not answered'] : []),
    ],
    rows: rows.map(({ figures, key, perturbation }): Content[] => {
      const { drop, dropAgainstControl, ece, js } = conditions[key] ?? {};
      return [
        perturbationLabel(perturbation),
        figures.n,
        maybe(figures.accuracy),
        drop ? lostOf(drop) : '–',
        ...(hasControls
          ? [
              maybe(report.base[controlNameOf(key)]?.accuracy),
              dropAgainstControl ? lostOf(dropAgainstControl) : '–',
            ]
          : []),
        drop ? findingOf(drop, costOfWhat(report.measures, key)) : '–',
        perturbation === 'origin' ? '–' : changedOf(figures),
        maybe(figures.followed),
        figures.kl?.toFixed(3) ?? '–',
        js?.toFixed(3) ?? '–',
        maybe(ece),
        ...(missing ? [maybe(unansweredOf(figures) / figures.n)] : []),
      ];
    }),
  };
}

function barCard(
  kind: string,
  what: 'accuracy' | 'changeRate',
  all: readonly ConditionRow[],
  below: Content,
): Html {
  const rows = worstOfPacks(all);
  const title = what === 'accuracy' ? 'Accuracy' : 'Share of changed answers';
  const chart = barChart({
    id: `${what}-${kind}`,
    title: `${title}: ${taskLabel(kind)}`,
    description: rows
      .map(({ figures, perturbation }) => `${perturbationLabel(perturbation)}: ${maybe(figures[what])}.`)
      .join(' '),
    rows: rows.map(({ figures, perturbation }) => ({
      label: perturbationLabel(perturbation),
      note: `n = ${figures.n}${unansweredOf(figures) > 0 ? `, ${unansweredOf(figures)} not answered` : ''}`,
      before: null,
      after:
        figures[what] === null
          ? null
          : { value: figures[what], interval: what === 'accuracy' ? figures.ci95 : null },
    })),
  });
  const hidden =
    all.length > rows.length &&
    `Of each scenario pack what costs most: ${rows.length} of ${all.length} conditions. `;
  const note = html`${what === 'accuracy' && `${taskNote(kind)} `}${hidden}`;
  return card(taskLabel(kind), what === 'accuracy' || hidden ? note : '', html`${chart}${below}`);
}

/** Accuracy per task kind and perturbation, with what follows from it. */
export function diagnosisAccuracy(report: DiagnosisReport): Html | null {
  if (Object.values(report.base).every(({ accuracy }) => accuracy === null)) return null;
  const cards = [...rowsByKind(report)].map(([kind, rows]) => ({
    size: worstOfPacks(rows).length,
    body: barCard(kind, 'accuracy', rows, figuresTable(figuresOf(report, kind, rows))),
  }));
  return section(
    'accuracy',
    'How often is the answer right?',
    'Accuracy in percent for each kind of task, unperturbed and under each perturbation of the part that should not matter. Whiskers are 95 % intervals. The tables say what each perturbation costs, and whether that is more than chance.',
    stacks(cards),
  );
}

/** Prediction change rates. */
export function diagnosisChanges(report: DiagnosisReport): Html | null {
  const kinds = [...rowsByKind(report)]
    .map(([kind, rows]) => [kind, rows.filter((row) => row.perturbation !== 'origin')] as const)
    .filter(([, rows]) => rows.length > 0);
  if (kinds.length === 0) return null;
  return section(
    'changes',
    'How often does the irrelevant part change the answer?',
    'Share of samples whose answer is no longer the answer to the unperturbed sample; lower is better, except for a right hint, which may correct an answer, and where what decides was taken away, which should change it. This needs no right answers, so it can be measured on live requests as well.',
    html`<div class="columns">${kinds.map(([kind, rows]) => barCard(kind, 'changeRate', rows, null))}</div>`,
  );
}

/** Where failures gather. */
export function patternSection({ patterns: found }: DiagnosisReport): Html | null {
  if (found.cases === 0) return null;
  const { cases, failure, failures, patterns, tested } = found;
  const what =
    failure === 'talked_out'
      ? `${failures} of ${cases} perturbed samples that were answered rightly without the perturbation are answered wrongly with it.`
      : `${failures} of ${cases} perturbed samples are answered otherwise than without the perturbation.`;
  const lead = `${what} Combinations of up to three features under which that happens more often than under any part of them, of ${tested} that were tried; at most one in twenty of those listed is expected to be chance.`;
  const rows = patterns.map((pattern): Content[] => [
    patternWords(pattern.features),
    pattern.n,
    `${percent(pattern.rate)} (${percent(pattern.ci95[0])} to ${percent(pattern.ci95[1])})`,
    `${pattern.lift.toFixed(1)} ×`,
    percent(pattern.covered),
    pattern.pAdjusted < 0.0001 ? '< 0.0001' : pattern.pAdjusted.toFixed(4),
    html`<span class="note">${pattern.examples[0] ?? ''}</span>`,
  ]);
  const columns = [
    'Pattern',
    '#Cases',
    '#Fail (95 %)',
    '#Lift',
    '#Of all failures',
    '#Adjusted p',
    'Examples',
  ];
  const body =
    rows.length === 0
      ? html`<p>No combination stands out.</p>`
      : html`<div class="card">${table({ caption: 'Error patterns, those that explain most first', columns, rows })}</div>`;
  return section('patterns', 'Where do the failures gather?', lead, body);
}
