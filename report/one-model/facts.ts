import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { leftOutWords } from '../attacks.ts';
import { type Html, html } from '../html.ts';
import { section } from '../sections/parts.ts';

/** Something to know of what was asked: what it is called, and what it is. */
interface Fact {
  name: string;
  value: string;
}

const decides: Record<string, string> = {
  image: 'the picture must decide',
  text: 'the text must decide',
  both: 'picture and text decide together',
};

function serverFacts({ server }: DiagnosisReport): Fact[] {
  if (!server) return [];
  return [
    { name: 'Server', value: server.url },
    { name: 'Model asked for', value: server.model },
  ];
}

function answeredFacts({ endpoint, served }: DiagnosisReport): Fact[] {
  if (!endpoint) return [];
  const { asked, readFrom, reused, samples } = endpoint;
  const models = endpoint.served?.models ?? [];
  const prints = endpoint.served?.systemFingerprints ?? [];
  const entry = Object.entries(served?.end.entry ?? {}).map(([key, value]) => `${key} ${value}`);
  const seen = [
    ...(prints.length > 0 ? [`system_fingerprint ${prints.join(', ')}`] : []),
    ...(entry.length > 0 ? [`/models says ${entry.join(', ')}`] : []),
  ];
  const when = asked?.from && asked.to ? `, given from ${asked.from} to ${asked.to}` : '';
  const before = reused ? `; ${reused.answers} of them to earlier runs` : '';
  return [
    ...(models.length > 0 ? [{ name: 'Answers came from', value: models.join(', ') }] : []),
    ...(seen.length > 0 ? [{ name: 'Fingerprint', value: seen.join('; ') }] : []),
    {
      name: 'Answers',
      value: `${samples}: ${readFrom.logprobs} read from probabilities, ${readFrom.text} from text, ${readFrom.nothing} without an option${before}${when}`,
    },
  ];
}

/** What asking cost; null where a folder was asked. */
export function costWords({ endpoint, server }: Pick<DiagnosisReport, 'endpoint' | 'server'>): string | null {
  if (!endpoint) return null;
  const priced = server ? server.priced : endpoint.cost > 0;
  return priced
    ? `${endpoint.cost.toFixed(4)}, in the currency of the prices`
    : 'not known: endpoint.json has no prices';
}

function spentFacts(report: DiagnosisReport): Fact[] {
  const { endpoint } = report;
  const cost = costWords(report);
  if (!endpoint || cost === null) return [];
  const { completionTokens, promptTokens } = endpoint;
  return [
    { name: 'Tokens', value: `${promptTokens} in prompts, ${completionTokens} in answers` },
    { name: 'Cost', value: cost },
  ];
}

function taskFacts({ tasks = [] }: DiagnosisReport): Fact[] {
  return tasks.map(({ decides: which, description, name, owner }) => ({
    name: `Task ${name}`,
    value: [
      ...(description ? [description] : []),
      ...(which ? [decides[which] ?? which] : []),
      owner ? `owner: ${owner}` : 'owner: not said',
    ].join('; '),
  }));
}

/** What was asked, of whom, what it cost, what was left out, and who answers for it; none of a folder without tasks. */
export function factsOf(report: DiagnosisReport): Fact[] {
  return [
    ...taskFacts(report),
    ...serverFacts(report),
    ...answeredFacts(report),
    ...spentFacts(report),
    ...leftOutWords(report.leftOut).map((value) => ({ name: 'Attacks left out', value })),
  ];
}

/** The same as lines of Markdown; `safe` takes what could be read as markup out of a text. */
export function factLines(report: DiagnosisReport, safe: (text: string) => string): string[] {
  const lines = factsOf(report).map(({ name, value }) => `- ${safe(name)}: ${safe(value)}`);
  return lines.length > 0 ? [...lines, ''] : [];
}

/** The same as a section; null where there is nothing to say. */
export function factSection(report: DiagnosisReport): Html | null {
  const items = factsOf(report).map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`);
  if (items.length === 0) return null;
  return section(
    'asked',
    'What was asked, and of whom?',
    'Whose task it is, which server and model answered, what that took, and what could not be tried.',
    html`<dl class="facts asked">${items}</dl>`,
  );
}
