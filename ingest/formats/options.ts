import { textCell } from '../draft.ts';

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
 * or map by label, without its empty ones. Undefined where the cell is none of these.
 */
export function labelledChoices(cell: unknown): Choice[] | undefined {
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
  const byLabel = Object.entries(cell).filter(([, one]) => textCell(one) !== null);
  if (byLabel.some(([name, one]) => !/^(?:[a-z]|\d)$/i.test(name) || typeof one === 'object'))
    return undefined;
  return byLabel.map(([name, one]) => ({ text: one, label: name }));
}
