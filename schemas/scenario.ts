import { z } from 'zod';
import { isControl, textPositions } from './benchmark.ts';

const wholeName = /^[a-z0-9][a-z0-9_-]*$/;
const name = z
  .string()
  .regex(wholeName, { error: 'expected lower-case letters, digits, hyphens and underscores' });
const text = z.string().min(1).max(2000);
const share = z.number().gt(0).max(1);
const byte = z.number().int().min(0).max(255);
const severity = z.number().int().min(1).max(5);

/** Corruptions of ImageNet-C, each at the severities 1 to 5. */
export const corruptions = [
  'gaussian_noise',
  'shot_noise',
  'impulse_noise',
  'defocus_blur',
  'motion_blur',
  'gaussian_blur',
  'brightness',
  'contrast',
  'jpeg',
  'pixelate',
  'fog',
] as const;
export type Corruption = (typeof corruptions)[number];

const someKeys = [
  (value: object) => Object.keys(value).length > 0,
  { error: 'expected at least one key' },
] as const;

/** Pictures made from nothing. */
export const patterns = ['stripes', 'grid', 'blocks'] as const;

const Place = z.enum(['top', 'centre', 'bottom']);

/** One step in the making of a picture; each takes what the one before left. */
export const PictureOp = z.discriminatedUnion('op', [
  /** A picture of one grey, or of one colour [red, green, blue]. */
  z.strictObject({ op: z.literal('constant'), value: byte.or(z.tuple([byte, byte, byte])) }),
  /** Uniform noise. */
  z.strictObject({ op: z.literal('noise') }),
  z.strictObject({ op: z.literal('pattern'), kind: z.enum(patterns) }),
  /** The sample's own picture; where it has none, a photo of another sample. */
  z.strictObject({ op: z.literal('own') }),
  /** A photo of another sample, of a wrong option or of the right one; `where`: of a sample with these fields. */
  z.strictObject({
    op: z.literal('switch'),
    to: z.enum(['other', 'wrong_option', 'right_option']).default('other'),
    where: z.record(z.string(), z.string()).optional(),
  }),
  /** A desktop with windows; `lines` are written into them. */
  z.strictObject({ op: z.literal('screenshot'), lines: z.array(text).min(1).max(20).optional() }),
  /** A page of text as from a scanner. */
  z.strictObject({ op: z.literal('document'), lines: z.array(text).min(1).max(40) }),
  /** A line of text over the picture; one of the templates. */
  z.strictObject({
    op: z.literal('text'),
    say: z.array(text).min(1).max(100),
    place: Place.default('bottom'),
    /** Height of the line as a share of the picture's. */
    size: share.default(0.12),
  }),
  z.strictObject({ op: z.literal('invert') }),
  z.strictObject({ op: z.literal('corrupt'), kind: z.enum(corruptions), severity: severity.optional() }),
  /** The middle of the picture: this share of each side. */
  z.strictObject({ op: z.literal('crop'), share }),
  /** A photo of another sample over a part of the picture: this share of each side, in a random place. */
  z.strictObject({ op: z.literal('paste'), share: share.default(0.4) }),
  /** Gaussian blur; the radius is a share of the picture's shorter side. */
  z.strictObject({ op: z.literal('blur'), radius: share.max(0.5) }),
  /** One of several ways to go on. */
  z.strictObject({
    op: z.literal('one_of'),
    get ways(): z.ZodRecord<z.ZodString, z.ZodArray<typeof PictureOp>> {
      return z.record(z.string(), z.array(PictureOp).min(1).max(20)).refine(...someKeys);
    },
  }),
]);
export type PictureOp = z.infer<typeof PictureOp>;

/** Text as templates, or by kind: then a kind is drawn first and a template of it. */
const List = z
  .array(text)
  .min(1)
  .or(z.record(z.string(), z.array(text).min(1)).refine(...someKeys));
export type List = z.infer<typeof List>;

/** Templates, or families of them by name: then a family is drawn first and a template of it. Of a plain list each is its own family. */
const Templates = z
  .array(text)
  .min(1)
  .max(1000)
  .or(z.record(z.string().regex(wholeName), z.array(text).min(1).max(1000)).refine(...someKeys));

const Position = z.enum(textPositions);
const TextPositions = Position.or(
  z
    .array(Position)
    .min(1)
    .refine((all) => new Set(all).size === all.length, { error: 'a position is there twice' }),
);

/** One kind of misinformation. */
export const Scenario = z.strictObject({
  name,
  description: z.string().optional(),
  /** The option that it points to. */
  hinted: z.enum(['wrong', 'right', 'none']).default('none'),
  /** How often it is met beside the others. */
  weight: z.number().positive().default(1),
  /** Strength of its corruptions; each of a list is a condition of its own, "<name>-<severity>". */
  severity: severity.or(z.array(severity).min(1).max(5)).optional(),
  /** Text packs: one of these is written. */
  templates: Templates.optional(),
  /** Text packs: where the text stands; of several places one is drawn for each sample. */
  position: TextPositions.default('before'),
  /** Text packs: false: no neutral text of the same length is measured beside it. */
  control: z.boolean().default(true),
  /** Text packs: lines drawn from a list, around the template. */
  lines: z
    .strictObject({
      of: z.string(),
      count: z.number().int().min(1).max(100),
      place: z.enum(['before', 'after', 'among']).default('after'),
    })
    .optional(),
  /** Between the lines. */
  join: z.enum([' ', '\n']).default(' '),
  /** Image packs: how the picture is made. */
  picture: z.array(PictureOp).min(1).max(20).optional(),
});
export type Scenario = z.infer<typeof Scenario>;

/** What a slot `{...}` may be; `{}` is short for `{option}`, and `{a|b}` is one of its alternatives. */
export const slotForms = [
  '{option}',
  '{a option}',
  '{letter}',
  '{question}',
  '{field:<name>}',
  '{list:<name>}',
  '{number:<from>..<to>}',
  '{date:<yyyy-mm-dd>..<yyyy-mm-dd>}',
  '{random_letter}',
  '{a|b}',
] as const;
const slot = /\{([^{}]*)\}/g;
const plainSlot = /^(|option|a option|letter|question|random_letter|field:[^|]+)$/;
const range = /^number:(-?\d{1,9})\.\.(-?\d{1,9})$/;
const dates = /^date:(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/;

/** Why the slots of a template cannot be filled; null: they can. */
export function slotProblem(
  template: string,
  lists: Readonly<Record<string, List>>,
  hints: boolean,
): string | null {
  for (const [whole, inside = ''] of template.matchAll(slot)) {
    if (!hints && /^(|option|a option|letter)$/.test(inside))
      return `${whole} needs "hinted: wrong" or "hinted: right"`;
    if (plainSlot.test(inside)) continue;
    const list = /^list:(.+)$/.exec(inside)?.[1];
    if (list !== undefined) {
      if (Object.hasOwn(lists, list)) continue;
      return `${whole}: the pack has no list "${list}"`;
    }
    const bounds = range.exec(inside) ?? dates.exec(inside);
    if (bounds) {
      const [from, to] = bounds
        .slice(1)
        .map((end) => (inside.startsWith('date') ? Date.parse(end) : Number(end)));
      if ((from as number) <= (to as number)) continue;
      return `${whole}: it ends before it begins, or is no date`;
    }
    if (inside.includes('|')) continue;
    return `${whole} is no slot; there are ${slotForms.join(' ')}`;
  }
  return /[{}]/.test(template.replace(slot, ''))
    ? `a brace is not closed or not opened in "${template}"`
    : null;
}

/** Every template in the making of a picture. */
export function templatesIn(ops: readonly PictureOp[]): string[] {
  return ops.flatMap((op): string[] => {
    if (op.op === 'text') return op.say;
    if (op.op === 'screenshot' || op.op === 'document') return op.lines ?? [];
    return op.op === 'one_of' ? Object.values(op.ways).flatMap(templatesIn) : [];
  });
}

/** Templates of a list, whatever its kinds. */
export function templatesOf(list: List): string[] {
  return Array.isArray(list) ? list : Object.values(list).flat();
}

function problemsOf(
  pack: { perturbs: 'text' | 'image'; lists: Record<string, List> },
  scenario: Scenario,
): string[] {
  const { hinted, lines, picture, position, templates } = scenario;
  if (pack.perturbs === 'image') {
    if (!picture || templates || lines || position !== 'before')
      return ['a scenario of an image pack has "picture", no "templates", no "lines" and no "position"'];
  } else if (picture || (!templates && !lines))
    return ['a scenario of a text pack has "templates" or "lines", no "picture"'];
  const problems: string[] = [];
  if (lines && !Object.hasOwn(pack.lists, lines.of))
    problems.push(`"lines.of": the pack has no list "${lines.of}"`);
  if (lines && Object.hasOwn(pack.lists, lines.of) && templatesOf(pack.lists[lines.of]!).length < lines.count)
    problems.push(`"lines.count": the list "${lines.of}" has fewer than ${lines.count} lines`);
  for (const template of [...templatesOf(templates ?? []), ...templatesIn(picture ?? [])]) {
    const problem = slotProblem(template, pack.lists, hinted !== 'none');
    if (problem) problems.push(problem);
  }
  return problems;
}

/** A scenario pack (YAML or JSON): the misinformation of a business, as texts beside a picture or pictures beside a text. */
export const ScenarioPack = z
  .strictObject({
    name,
    description: z.string().min(1),
    /** Who answers for it. */
    owner: z.string().min(1),
    license: z.string().min(1),
    /** The modality that is perturbed: that of tasks in which the other one decides. */
    perturbs: z.enum(['text', 'image']),
    lists: z.record(z.string(), List).default({}),
    scenarios: z.array(Scenario).min(1).max(200),
  })
  .superRefine((pack, context) => {
    const seen = new Set<string>();
    for (const [i, scenario] of pack.scenarios.entries()) {
      const fail = (message: string) =>
        context.addIssue({
          code: 'custom',
          path: ['scenarios', i],
          message: `"${scenario.name}": ${message}`,
        });
      if (seen.has(scenario.name)) fail('another scenario has this name');
      if (isControl(scenario.name)) fail('names that end so are those of neutral controls; choose another');
      seen.add(scenario.name);
      for (const problem of problemsOf(pack, scenario)) fail(problem);
    }
    for (const [list, entries] of Object.entries(pack.lists)) {
      for (const template of templatesOf(entries)) {
        // A list within a list could go round in circles.
        const problem = slotProblem(template, {}, false);
        if (problem) context.addIssue({ code: 'custom', path: ['lists', list], message: problem });
      }
    }
  });
export type ScenarioPack = z.infer<typeof ScenarioPack>;
