import { isNaNText, textCell } from '../draft.ts';

/** An option as the data label it. */
export interface Choice {
  text: unknown;
  label: unknown;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names of the text beside a `label`, and of a map's entries. */
function entryOf(one: Record<string, unknown>): Choice | undefined {
  if ('label' in one && 'text' in one) return { text: one.text, label: one.label };
  if ('key' in one && 'value' in one) return { text: one.value, label: one.key };
  return undefined;
}

/**
 * Options with labels: a list of {text, label} as authors publish them, {text: [..], label: [..]} as Hugging Face does, or an object
 * or map by label, without its empty ones. Undefined where the cell is none of these. An option that says "NaN" is empty unless the
 * answer is its label.
 */
export function labelledChoices(cell: unknown, answer?: unknown): Choice[] | undefined {
  if (Array.isArray(cell)) {
    const entries = cell.filter(isRecord).map(entryOf);
    if (entries.length === 0 || entries.length < cell.length) return undefined;
    return entries.every((entry) => entry !== undefined) ? entries : undefined;
  }
  if (!isRecord(cell)) return undefined;
  const { label, text } = cell;
  if (Array.isArray(text) && Array.isArray(label)) {
    return text.length === label.length ? text.map((one, i) => ({ text: one, label: label[i] })) : undefined;
  }
  const byLabel = Object.entries(cell).filter(
    ([name, one]) => textCell(one) !== null || (isNaNText(one) && textCell(answer) === name),
  );
  if (byLabel.some(([name, one]) => !/^(?:[a-z]|\d)$/i.test(name) || typeof one === 'object'))
    return undefined;
  return byLabel.map(([name, one]) => ({ text: one, label: name }));
}

/** Options that a text lists, and what it says before and behind them. */
export interface Listed {
  before: string;
  choices: { label: string; text: string }[];
  /** Each stands on a line of its own. */
  byLine: boolean;
}

const labelSets = [[...'ABCDEFGHIJ'], ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']];
/** How lists mark an option, the more certain ways first. */
const marks = {
  /** "(A) red (B) blue" */
  brackets: (label: string) => new RegExp(`[(\\uff08]${label}[)\\uff09]`, 'g'),
  /** "A. red", a line each */
  lines: (label: string) => new RegExp(`^[^\\S\\n]*\\(?${label}[.):\\uff0e\\uff1a](?=\\s)`, 'gm'),
  /** "A. red B. blue" */
  inline: (label: string) => new RegExp(`(?<![^\\s,;])${label}[.):](?=\\s)`, 'g'),
} as const;

function listedBy(
  text: string,
  labels: readonly string[],
  mark: (label: string) => RegExp,
): Omit<Listed, 'byLine'> {
  const found: { label: string; from: number; to: number }[] = [];
  let at = 0;
  for (const label of labels) {
    const pattern = mark(label);
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) break;
    at = match.index + match[0].length;
    found.push({ label, from: match.index, to: at });
  }
  const choices = found.map(({ label, to }, i) => ({
    label,
    text: text.slice(to, found[i + 1]?.from).trim(),
  }));
  return { before: text.slice(0, found[0]?.from).trim(), choices };
}

const isWhole = ({ choices }: Pick<Listed, 'choices'>) =>
  choices.length > 1 && choices.every(({ text }) => text !== '');

/**
 * The options that a text lists: "(A) red (B) blue", "A. red" on a line each, and, where nothing stands before the first or a word
 * such as "Options:" does, "A. red B. blue". Labels are A to J or 1 to 10 from their first on. Undefined where there are not two.
 */
export function listedOptions(text: string): Listed | undefined {
  let best: Listed | undefined;
  for (const [name, mark] of Object.entries(marks)) {
    for (const labels of labelSets) {
      const found = listedBy(text, labels, mark);
      const announced = found.before === '' || /(options?|choices|選択肢)\s*[:\uff1a]?$/i.test(found.before);
      if (!isWhole(found) || (name === 'inline' && !announced)) continue;
      if (found.choices.length > (best?.choices.length ?? 1)) best = { ...found, byLine: name === 'lines' };
    }
    if (best) return best;
  }
  return undefined;
}

/** What asks for an answer in some form, behind the options of a prompt. */
const instruction =
  /^(?:please\b|answer\b|select\b|choose\b|respond\b|reply\b|give\b|pick\b|the answer is:?$)/i;

/**
 * A prompt that lists its options: the question without them and without what asks for a letter; what stands behind options on
 * lines of their own is taken for that.
 */
export function askedWithOptions(text: string): Listed | undefined {
  const found = listedOptions(text);
  if (!found) return undefined;
  const { before, byLine, choices } = found;
  const [last = '', ...behind] = choices.at(-1)?.text.split('\n') ?? [];
  const more = byLine
    ? []
    : behind.map((line) => line.trim()).filter((line) => line !== '' && !instruction.test(line));
  const asked = before.replace(/^Question:\s*/m, '').replace(/\s*(?:Options?|Choices)\s*:?\s*$/i, '');
  const kept = choices.map((choice, i) =>
    i === choices.length - 1 ? { ...choice, text: last.trim() } : choice,
  );
  return { byLine, before: [asked.trim(), ...more].join('\n').trim(), choices: kept };
}
