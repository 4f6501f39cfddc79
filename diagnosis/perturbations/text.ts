import type { Random } from '../../random/index.ts';
import type { Sample } from '../../schemas/benchmark.ts';
import type { List, Scenario } from '../../schemas/scenario.ts';
import { fill, type SlotSource } from './slots.ts';

/** What a scenario writes before the question; `hinted` is the option it names. */
export interface WrittenText {
  text: string;
  variant: string;
  hinted: number | null;
}

/** Without a right answer any option may be the wrong one: what is measured then is whether the answer moves. */
function wrongOption(sample: Sample, random: Random): number {
  if (sample.answer === null) return random.int(sample.options.length);
  const index = random.int(sample.options.length - 1);
  return index < sample.answer ? index : index + 1;
}

/** The option that a scenario points to: null for none, undefined where the sample has no such option. */
export function hintedOption(
  { hinted }: Pick<Scenario, 'hinted'>,
  sample: Sample,
  random: Random,
): number | null | undefined {
  if (hinted === 'none') return null;
  return hinted === 'wrong' ? wrongOption(sample, random) : (sample.answer ?? undefined);
}

/** Draws that may repeat a line before lines are taken twice. */
const mostTries = 1000;

/** `count` different lines; of a list by kinds a kind is drawn first for each. */
export function drawLines(list: List, count: number, source: SlotSource): string[] {
  const { random } = source;
  if (Array.isArray(list)) return random.sample(list, count).map((line) => fill(line, source));
  const kinds = Object.keys(list);
  const lines: string[] = [];
  for (let tries = 0; lines.length < count; tries++) {
    const line = fill(random.pick(list[random.pick(kinds)]!), source);
    if (tries >= mostTries || !lines.includes(line)) lines.push(line);
  }
  return lines;
}

/** The text of a scenario; null where it does not fit the sample. @throws MissingField */
export function write(
  scenario: Scenario,
  lists: Readonly<Record<string, List>>,
  sample: Sample,
  random: Random,
): WrittenText | null {
  const { join, lines: around, templates } = scenario;
  const hinted = hintedOption(scenario, sample, random);
  if (hinted === undefined) return null;
  const source = { sample, lists, hinted, random };
  const template = templates && random.pick(templates);
  const sentence = template === undefined ? [] : [fill(template, source)];
  const lines = around ? drawLines(lists[around.of]!, around.count, source) : [];
  if (around?.place === 'among') lines.splice(random.int(lines.length + 1), 0, ...sentence);
  else if (around?.place === 'before') lines.push(...sentence);
  else lines.unshift(...sentence);
  return { text: lines.join(join), variant: template ?? around!.of, hinted };
}
