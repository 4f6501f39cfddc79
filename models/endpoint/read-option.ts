import { optionLetters } from '../../schemas/benchmark.ts';

/** An option that a text names. */
export interface Named {
  index: number;
  /** Place of its letter in the text; null: it was named in its own words. */
  at: number | null;
  /** Said in so many words ("Answer: B"), and not only mentioned. */
  stated: boolean;
}

/** Full width, circled and other letters as plain ones, and no marks of Markdown; every character stays at its place. */
function plainOf(text: string): string {
  let plain = '';
  for (const character of text) {
    const simple = character.normalize('NFKC');
    plain += simple.length > character.length ? character : simple.padEnd(character.length);
  }
  return plain.replace(/[*_`#~]/g, ' ');
}

const opening = String.raw`[\s([{<"'“‘«【「『《〈〔$]*`;
const closing = String.raw`[\s)\]}>"'”’»】」』》〉〕$.:,;!。、]*`;
/** Neither side of a letter that stands alone; letters of other scripts may touch it, as in "选B项". */
const before = String.raw`(?<![\p{Script=Latin}\p{N}\\'’][-–]?)`;
const after = String.raw`(?![-–]?[\p{Script=Latin}\p{N}'’])`;
/** A and I are words, too: "A lion" is not the letter, "A because" is. */
const notArticle = String.raw`(?![ ](?!(?:is|was|because|since|as|due|given|based|which|but|so|and|or|seems|looks|would|fits|matches)\b)\p{Ll})`;
const letter = `${before}([A-Za-z])${after}`;
const statedLetter = `${before}([B-HJ-Zb-hj-z]|[AIai]${notArticle})${after}`;

const bare = new RegExp(`^${opening}([A-Za-z])${closing}$`, 'u');
const atStart = [
  /^\s*[([{<【「『]\s*([A-Za-z])\s*[)\]}>】」』]/u,
  new RegExp(
    String.raw`^${opening}([A-Z])${closing.replace('*', '?')}(?:[).:,、。]| *[-–—](?=\s)| *\n)`,
    'u',
  ),
  new RegExp(String.raw`^${opening}([a-z])[).:](?=\s)`, 'u'),
];

const statements = [
  String.raw`\b(?:answer|antwort|lösung|réponse|respuesta|risposta|resposta)(?:\s+(?:is|would be|should be|must be|ist|est|es|è|é))?(?:\s+(?:clearly|probably|likely|most likely|therefore|thus|definitely))?["']?\s*[:=–—-]?\s*(?:(?:the|option|choice|letter)\s+)*`,
  String.raw`(?<!(?:not|n['’]t|cannot)\s+)\b(?:guess|say|choose|pick|select|go with|going with|opt for)\s+(?:(?:the|is|it|it['’]s|option|choice|letter)\s+)*`,
  String.raw`(?:答案|正解|正答|答え|解答|回答|答|정답|답|ответ)\s*(?:应该|應該|很可能|可能)?(?:是|为|為|选|選|は|が|은|는)?\s*[:=]?\s*(?:选项|選項|選択肢)?`,
].map((words) => new RegExp(words + opening + statedLetter, 'giu'));

/** What follows a letter where another one is offered beside it: "B or C", "B/C", "B and maybe C". */
const alternative = new RegExp(
  String.raw`^[\s)\]}>"'”’»】」』.]*(?:,|/|&|\+|、|\||\bor\b|\band\b|\boder\b|\bund\b|\bou\b|\bet\b|或者?|和|または|と|か|또는)\s*(?:(?:or|possibly|maybe|perhaps|even|also|either|option)\s+){0,3}${opening}${letter}`,
  'u',
);

/** What says of the letter before, or behind, that it is not meant. */
const deniedBefore =
  /(?:\b(?:not|neither|nor|no|isn['’]t|rather than|instead of|unlike|except|rule out|ruled out|eliminate|exclude|than)\s+(?:(?:the|option|choice|letter|answer|a|an)\s+)*|不是|并非|並非|不选|不選|非)["'([{「『【]*$/iu;
const deniedAfter =
  /^["')\]}」』】]*\s*(?:(?:is|are|was|looks|look|seems|seem|appears|would be|can be)\s+(?:\w+\s+)?(?:not|wrong|incorrect|false|unlikely|impossible|implausible|out)\b|(?:isn|aren|wasn|can|couldn|doesn|don)['’]t\b|cannot\b|does not\b|では|じゃ|でない|ではあり|不对|不對|不正确|错|錯|가 아|이 아)/iu;

const box =
  /\\boxed\s*\{\s*(?:\\(?:text|mathrm|mathbf|textbf)\s*\{)?([^{}]*)\}|<\|begin_of_box\|>([\s\S]*?)<\|end_of_box\|>/g;
const tag = /<(answer|final_answer|final|solution|response|output)>([\s\S]*?)(?:<\/\1>|$)/gi;

/**
 * The option that a text names, by its letter or in its own words. Null: none; several, as in "A or B"; or the list of options
 * repeated. `cutOff`: the text ends before its end, and counts only where it states its answer.
 */
export function namedOption(
  text: string,
  options: readonly string[],
  { cutOff = false }: { cutOff?: boolean } = {},
): Named | null {
  const marked = [...text.matchAll(box), ...text.matchAll(tag)].sort((a, b) => a.index - b.index).at(-1);
  if (marked) {
    const inner = marked[2] ?? marked[1] ?? '';
    const found = namedOption(inner, options);
    const start = marked.index + marked[0].indexOf(inner);
    return found && { ...found, at: found.at === null ? null : found.at + start, stated: true };
  }
  const plain = withoutList(plainOf(text), options);
  const stated = statedIn(plain, options);
  if (stated !== undefined) return stated;
  return cutOff ? null : mentioned(plain, options);
}

/** Null: it states several; undefined: it states nothing. */
function statedIn(plain: string, options: readonly string[]): Named | null | undefined {
  const named = (match: RegExpExecArray): Named | null => {
    const at = match.index + match[0].lastIndexOf(match[1] as string);
    return letterAt(plain, at, options);
  };
  const whole = bare.exec(plain);
  if (whole) return named({ ...whole, index: 0 } as RegExpExecArray) ?? undefined;
  const said = statements
    .flatMap((pattern) => [...plain.matchAll(pattern)])
    .filter((match) => indexOf(match[1], options) !== null)
    .sort((a, b) => a.index - b.index)
    .at(-1);
  if (said) return named(said);
  const first = startOf(plain, options);
  const last = lastLine(plain, options);
  if (first && last && first.index !== last.index) return null;
  return first === null ? null : (first ?? last ?? undefined);
}

/** The letter at a place; null where others are offered beside it. */
function letterAt(plain: string, at: number, options: readonly string[]): Named | null {
  const index = indexOf(plain.charAt(at), options);
  const other = indexOf(alternative.exec(plain.slice(at + 1))?.[1], options);
  if (index === null || (other !== null && other !== index)) return null;
  return { index, at, stated: true };
}

/** "B. a lion" at the beginning; null: with alternatives beside it. */
function startOf(plain: string, options: readonly string[]): Named | null | undefined {
  for (const pattern of atStart) {
    const match = pattern.exec(plain);
    if (!match || indexOf(match[1], options) === null) continue;
    return letterAt(plain, match[0].indexOf(match[1] as string), options);
  }
  return undefined;
}

/** A letter on a last line of its own. */
function lastLine(plain: string, options: readonly string[]): Named | undefined {
  const start = plain.trimEnd().lastIndexOf('\n') + 1;
  const match = start > 0 ? bare.exec(plain.slice(start).trimEnd()) : null;
  if (!match || indexOf(match[1], options) === null) return undefined;
  return letterAt(plain, start + match[0].indexOf(match[1] as string), options) ?? undefined;
}

/** The only option that is spoken of and not denied, by letter or in its own words; where the two differ, none. */
function mentioned(plain: string, options: readonly string[]): Named | null {
  const lone = loneLetter(plain, options);
  const words = inWords(plain, options);
  if (lone === 'several' || words === 'several') return null;
  if (lone && words !== null && lone.index !== words) return null;
  return lone ?? (words === null ? null : { index: words, at: null, stated: false });
}

/** "I would say B": the only capital letter that stands alone. */
function loneLetter(plain: string, options: readonly string[]): Named | 'several' | null {
  const alone = new RegExp(`${before}([B-HJ-Z]|[AI]${notArticle})${after}`, 'gu');
  const found = [...plain.matchAll(alone)]
    .filter(({ index }) => !denied(plain, index, 1))
    .flatMap(({ 1: one, index: at }) => {
      const index = indexOf(one, options);
      return index === null ? [] : [{ index, at, stated: false }];
    });
  if (new Set(found.map(({ index }) => index)).size > 1) return 'several';
  return found[0] ?? null;
}

const denied = (plain: string, at: number, length: number) =>
  deniedBefore.test(plain.slice(Math.max(0, at - 40), at)) ||
  deniedAfter.test(plain.slice(at + length, at + length + 40));

/** The option whose own words the text is, or the only one whose words stand in it. */
function inWords(plain: string, options: readonly string[]): number | 'several' | null {
  const said = words(plain);
  const all = options.map((option) => words(plainOf(option)));
  const exact = all.flatMap((option, i) => (option === said && option !== '' ? [i] : []));
  if (exact.length === 1) return exact[0] as number;
  const holds = (text: string, option: string) =>
    spaced(option) ? ` ${text} `.includes(` ${option} `) : text.includes(option);
  const inside = all.flatMap((option, i) => (option !== '' && holds(said, option) ? [i] : []));
  // "sea lion" also holds "lion".
  const longest = inside
    .filter((i) => !inside.some((j) => j !== i && holds(all[j]!, all[i]!) && all[j] !== all[i]))
    .filter((i) => !deniedWords(said, all[i]!));
  if (longest.length > 1) return 'several';
  return longest[0] ?? null;
}

function deniedWords(said: string, option: string): boolean {
  const at = spaced(option) ? ` ${said} `.indexOf(` ${option} `) : said.indexOf(option);
  return denied(said, Math.max(0, at), option.length);
}

/** Whether words of this script are told apart by spaces. */
const spaced = (text: string) =>
  !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u.test(text);

const words = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

const label =
  /(?<=^|[\s;,.。、])[([{【「『]?([A-Z])[).:\]}】」』、](?=\s|[^\p{Script=Latin}\p{N}]|\p{Lu}|\p{Ll}{2})/gu;

/**
 * Blanks out a list of options that the text repeats: labels from A on, in order, or at the beginnings of several lines. What
 * stands before and after it remains.
 */
function withoutList(plain: string, options: readonly string[]): string {
  const labels = [...plain.matchAll(label)].filter((match) => indexOf(match[1], options) !== null);
  const inOrder = labels.findIndex(
    (match, i) => match[1] === 'A' && indexOf(labels[i + 1]?.[1], options) === 1,
  );
  const onLines = labels.filter(({ index }) => /(?:^|\n)[ \t([{【「『-]*$/u.test(plain.slice(0, index)));
  const several = new Set(onLines.map((match) => match[1])).size > 1;
  const list = inOrder >= 0 ? labels.slice(inOrder) : several ? onLines : [];
  let run = list.slice(0, inOrder >= 0 ? 1 : list.length);
  // The same letters again behind the list are its answer.
  if (inOrder >= 0)
    for (const next of list.slice(1)) {
      if (indexOf(next[1], options) !== run.length) break;
      run = [...run, next];
    }
  const [first, last] = [run[0], run.at(-1)];
  if (!first || !last) return plain;
  const own = plainOf(options[indexOf(last[1], options) as number] as string);
  const rest = plain.slice(last.index + last[0].length);
  const lead = rest.length - rest.trimStart().length;
  const lineEnd = rest.indexOf('\n', lead);
  const length =
    rest.slice(lead, lead + own.length).toLowerCase() === own.toLowerCase()
      ? lead + own.length
      : lineEnd < 0
        ? rest.length
        : lineEnd;
  const end = last.index + last[0].length + length;
  const blank = plain.slice(first.index, end).replace(/[^\n]/g, ' ');
  return plain.slice(0, first.index) + blank + plain.slice(end);
}

function indexOf(name: string | undefined, options: readonly string[]): number | null {
  const i = name ? optionLetters.indexOf(name.toUpperCase()) : -1;
  return i >= 0 && i < options.length ? i : null;
}

/** A token that is an option's letter, whatever stands around it: spaces, their marks in vocabularies, brackets, a colon. */
export function letterOf(token: string, options: readonly string[]): number | null {
  const plain = plainOf(token.replace(/[\u2581\u0120\u010a]/g, ' '));
  return indexOf(bare.exec(plain)?.[1], options);
}
