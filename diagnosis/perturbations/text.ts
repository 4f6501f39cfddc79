import type { Random } from '../../random/index.ts';
import type { Sample, TextPosition } from '../../schemas/benchmark.ts';
import type { List, Scenario } from '../../schemas/scenario.ts';
import { fill, fillSentence, type SlotSource } from './slots.ts';

/** What a scenario writes beside the question; `hinted` is the option it names, `variant` the template. */
export interface WrittenText {
  text: string;
  variant: string;
  family: string;
  position: TextPosition;
  hinted: number | null;
}

/** A template and its family; of a plain list each is its own. */
function drawTemplate(templates: List, random: Random): { family: string; template: string } {
  if (Array.isArray(templates)) {
    const template = random.pick(templates);
    return { family: template, template };
  }
  const family = random.pick(Object.keys(templates));
  return { family, template: random.pick(templates[family]!) };
}

function drawPosition(position: Scenario['position'], random: Random): TextPosition {
  return Array.isArray(position) ? random.pick(position) : position;
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

/** The sample with the text in its place; what stood before the question already stays next to it. */
export function placeText(
  sample: Sample,
  { position, text }: Pick<WrittenText, 'position' | 'text'>,
  join: string,
): Sample {
  if (position !== 'before') return { ...sample, [position]: text };
  return { ...sample, context: sample.context === null ? text : `${text}${join}${sample.context}` };
}

/** The text of a scenario; null where it does not fit the sample. @throws MissingField */
export function write(
  scenario: Scenario,
  lists: Readonly<Record<string, List>>,
  sample: Sample,
  random: Random,
): WrittenText | null {
  const { join, lines: around, position, templates } = scenario;
  const hinted = hintedOption(scenario, sample, random);
  if (hinted === undefined) return null;
  const source = { sample, lists, hinted, random };
  const drawn = templates && drawTemplate(templates, random);
  const sentence = drawn ? [fillSentence(drawn.template, source)] : [];
  const lines = around ? drawLines(lists[around.of]!, around.count, source) : [];
  if (around?.place === 'among') lines.splice(random.int(lines.length + 1), 0, ...sentence);
  else if (around?.place === 'before') lines.push(...sentence);
  else lines.unshift(...sentence);
  const { family, template: variant } = drawn ?? { family: around!.of, template: around!.of };
  return { text: lines.join(join), variant, family, position: drawPosition(position, random), hinted };
}
