import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Condition,
  conditionsOf,
  type PictureSize,
  perturbUnder,
} from '../../../diagnosis/perturbations/index.ts';
import { readPack, shippedPacks } from '../../../ingest/index.ts';
import { type PerturbedSample, type Sample, textsBeside } from '../../../schemas/benchmark.ts';
import { GuardError } from '../../../schemas/errors.ts';
import { corruptions, ScenarioPack, slotForms } from '../../../schemas/scenario.ts';

const size: PictureSize = { width: 64, height: 48, channels: 3 };
let photos: Sample[];

const sample = (id: string, more: Partial<Sample>): Sample => ({
  id,
  taskKind: 'text_heavy',
  split: 'test',
  question: 'Which one?',
  options: ['scratch', 'crack', 'none'],
  answer: 1,
  context: null,
  image: null,
  source: id,
  ...more,
});

beforeAll(async () => {
  const photo = async (i: number): Promise<Sample> => {
    const background = { r: 40 * i, g: 250 - 40 * i, b: 90 };
    const raw = sharp({ create: { width: 500, height: 300, channels: 3, background } });
    const bytes = await (i % 2 === 0 ? raw.jpeg() : raw.png()).toBuffer();
    return sample(`photo-${i}`, {
      taskKind: 'image_heavy',
      image: { bytes: new Uint8Array(bytes), path: null },
      answer: i % 3,
      fields: { line: String(i % 2) },
    });
  };
  photos = await Promise.all([0, 1, 2, 3, 4, 5].map(photo));
});

async function all(
  condition: Condition,
  samples: Sample[],
  seed = 1,
  canvas = size,
): Promise<PerturbedSample[]> {
  const made: PerturbedSample[] = [];
  for await (const result of perturbUnder(condition, samples, seed, photos, canvas)) made.push(result);
  return made;
}

const parsed = (pack: object) =>
  ScenarioPack.parse({ name: 'own', description: 'd', owner: 'o', license: 'MIT', ...pack });
const one = (pack: object) => conditionsOf(parsed(pack))[0] as Condition;
const inPicture = (...picture: object[]) => one({ perturbs: 'image', scenarios: [{ name: 's', picture }] });
const pixels = async (made: PerturbedSample) =>
  sharp(made.image!.bytes).raw().toBuffer({ resolveWithObject: true });

describe('packs that come with the program', () => {
  it('make samples of every kind, the same bytes each time', async () => {
    const names = await shippedPacks();
    expect(names.length).toBeGreaterThanOrEqual(7);
    for (const name of names) {
      for (const condition of conditionsOf(await readPack(name))) {
        const samples =
          condition.taskKind === 'image_heavy' ? photos.slice(0, 2) : [sample('t1', {}), sample('t2', {})];
        const made = await all(condition, samples);
        expect(made, condition.name).toHaveLength(2);
        expect(await all(condition, [...samples].reverse()), condition.name).toEqual(made.reverse());
        for (const result of made) {
          const { answer, hinted, image, taskKind } = result;
          const { id, options, question } = samples.find((s) => s.id === result.id)!;
          expect(result).toMatchObject({ id, options, question, perturbation: condition.name });
          if (condition.scenario.hinted === 'wrong') expect(hinted).not.toBe(answer);
          if (condition.scenario.hinted === 'right') expect(hinted).toBe(answer);
          if (taskKind === 'image_heavy') expect(textsBeside(result).join(' ')).not.toMatch(/[{}]/);
          else expect(image).not.toBeNull();
        }
      }
    }
  });
});

describe('slots', () => {
  it('are filled from the sample, the hint and sampled values', async () => {
    const condition = one({
      perturbs: 'text',
      lists: { who: ['Ann'] },
      scenarios: [
        {
          name: 's',
          hinted: 'right',
          templates: [
            '{option}/{}/{letter}/{question}/{field:line}/{list:who}/{number:3..3}/{date:2024-02-29..2024-02-29}/{random_letter}/{x|x}',
          ],
        },
      ],
    });
    const [made] = await all(condition, [photos[1]!]);
    expect(made?.context).toMatch(/^crack\/crack\/B\/Which one\?\/1\/Ann\/3\/2024-02-29\/[A-Z]\/x$/);
  });

  it('write an option with its article, with a capital letter where it begins a sentence', async () => {
    const written = async (template: string) => {
      const scenarios = [{ name: 's', hinted: 'right', templates: [template] }];
      return (await all(one({ perturbs: 'text', scenarios }), [photos[1]!]))[0]?.context;
    };
    expect(await written('We see {a option} here.')).toBe('We see a crack here.');
    expect(await written('{a option} can be seen')).toBe('A crack can be seen');
    expect(await written('{option} is what it is.')).toBe('Crack is what it is.');
    expect(await written('{option} ({})')).toBe('crack (crack)');
  });

  it('leave out samples without the field, or without the answer that a right hint needs', async () => {
    const scenario = { name: 's', hinted: 'right', templates: ['{field:line} {option}'] };
    const condition = one({ perturbs: 'text', scenarios: [scenario] });
    const without = { ...photos[1]!, fields: {} };
    expect(await all(condition, [without, { ...photos[2]!, answer: null }, photos[3]!])).toHaveLength(1);
  });

  it.each([
    ['{unknown}', /no slot.*\{field:<name>\}/],
    ['{list:none}', /no list .*none/],
    ['{number:5..1}', /ends before it begins/],
    ['{date:2024-13-01..2024-13-02}', /is no date/],
    ['{option', /brace/],
    ['{option}', /needs .*hinted/],
  ])('%s is refused with its scenario', (template, message) => {
    const scenarios = [{ name: 'mine', templates: [template] }];
    expect(() => parsed({ perturbs: 'text', scenarios })).toThrow(message);
    expect(() => parsed({ perturbs: 'text', scenarios })).toThrow(/mine/);
  });
});

describe('positions and families of texts', () => {
  const placed = (more: object) =>
    one({ perturbs: 'text', scenarios: [{ name: 's', templates: ['Well.'], ...more }] });

  it.each(['before', 'inside', 'after'] as const)('a text stands %s', async (position) => {
    const [made] = await all(placed({ position }), [{ ...photos[1]!, context: 'Mine.' }]);
    const { after = null, context, inside = null } = made!;
    expect({ context, inside, after }).toEqual({
      context: position === 'before' ? 'Well. Mine.' : 'Mine.',
      inside: position === 'inside' ? 'Well.' : null,
      after: position === 'after' ? 'Well.' : null,
    });
    expect(made).toMatchObject({ position, family: 'Well.', variant: 'Well.' });
  });

  it('one of several positions and of the families is drawn for each sample', async () => {
    const families = { plain: ['One.', 'Two.'], loud: ['Three!'] };
    const many = Array.from({ length: 300 }, (_, i) => ({ ...photos[1]!, id: `s${i}` }));
    const made = await all(placed({ templates: families, position: ['before', 'after'] }), many);
    const share = (fits: (one: PerturbedSample) => boolean) => made.filter(fits).length / made.length;
    expect(share(({ position }) => position === 'before')).toBeCloseTo(0.5, 1);
    expect(share(({ position }) => position === 'inside')).toBe(0);
    expect(share(({ family }) => family === 'plain')).toBeCloseTo(0.5, 1);
    for (const { family, variant } of made)
      expect(families[family as keyof typeof families]).toContain(variant);
  });

  it('are refused where they cannot be', () => {
    const refused = (scenario: object) => () =>
      parsed({ perturbs: 'text', scenarios: [{ name: 's', templates: ['x'], ...scenario }] });
    expect(refused({ position: 'between' })).toThrow(/before.*inside.*after/s);
    expect(refused({ position: ['after', 'after'] })).toThrow(/twice/);
    expect(refused({ templates: {} })).toThrow(/at least one key/);
    expect(refused({ templates: { a: ['{option}'] } })).toThrow(/needs .*hinted/);
    expect(() => inPicture({ op: 'noise' })).not.toThrow();
    const scenarios = [{ name: 's', picture: [{ op: 'noise' }], position: 'after' }];
    expect(() => parsed({ perturbs: 'image', scenarios })).toThrow(/no .*position/);
  });
});

describe('picture operations', () => {
  it('work in the size and colours asked for, and keep those of a photo', async () => {
    const [noise] = await all(inPicture({ op: 'noise' }), [sample('t', {})]);
    const { data, info } = await pixels(noise!);
    expect(info).toMatchObject({ width: 64, height: 48, channels: 3 });
    expect(new Set(data).size).toBe(256);
    const [red] = await all(inPicture({ op: 'constant', value: [255, 0, 0] }), [sample('t', {})]);
    expect([...(await pixels(red!)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  it('take a photo with the fields asked for, and leave out samples that have none', async () => {
    const made = await all(
      inPicture({ op: 'switch', where: { line: '1' } }),
      Array.from({ length: 20 }, (_, i) => sample(`t${i}`, {})),
    );
    expect(new Set(made.map(({ variant }) => variant))).toEqual(new Set(['photo-1', 'photo-3', 'photo-5']));
    expect(await all(inPicture({ op: 'switch', where: { line: '9' } }), [sample('t', {})])).toEqual([]);
  });

  it('crop, blur and paste over a part', async () => {
    const crop = inPicture({ op: 'switch' }, { op: 'crop', share: 0.5 });
    const { info } = await pixels((await all(crop, [sample('t', {})]))[0]!);
    expect(info.width / info.height).toBeCloseTo(500 / 300, 1);
    const pasted = inPicture({ op: 'constant', value: 0 }, { op: 'paste', share: 0.5 });
    const { data } = await pixels((await all(pasted, [sample('t', {})]))[0]!);
    const covered = data.filter((_, i) => i % 3 === 2 && (data[i] ?? 0) > 0).length;
    expect(covered / (64 * 48)).toBeCloseTo(0.25, 1);
  });

  it('write text that can be read off the pixels', async () => {
    const written = inPicture(
      { op: 'constant', value: 0 },
      { op: 'text', say: ['I'], size: 0.9, place: 'top' },
    );
    const { data, info } = await pixels((await all(written, [sample('t', {})]))[0]!);
    const row = (y: number) =>
      Array.from({ length: info.width }, (_, x) => (data[(y * info.width + x) * 3] === 0 ? '#' : '.')).join(
        '',
      );
    expect(row(Math.floor(info.height / 2))).toMatch(/^\.+#+\.+$/);
  });
});

describe('corruptions', () => {
  const square: PictureSize = { width: 112, height: 112, channels: 3 };
  it.each(corruptions)('%s changes a photo more at severity 5 than at 1', async (kind) => {
    const stripes = [
      { op: 'pattern', kind: 'grid' },
      { op: 'blur', radius: 0.02 },
    ];
    const clean = await pixels((await all(inPicture(...stripes), [sample('t', {})], 1, square))[0]!);
    const distance = async (severity: number) => {
      const made = inPicture(...stripes, { op: 'corrupt', kind, severity });
      const { data } = await pixels((await all(made, [sample('t', {})], 1, square))[0]!);
      return data.reduce((sum, value, i) => sum + Math.abs(value - clean.data[i]!), 0) / data.length;
    };
    const [light, heavy] = [await distance(1), await distance(5)];
    expect(light).toBeGreaterThan(0);
    expect(heavy).toBeGreaterThan(light);
  });
});

describe('any pack and any sample', () => {
  const word = fc.constantFrom(
    'a',
    'crack',
    '{}',
    '\u0000',
    'é',
    '😀',
    ...slotForms,
    '{number:1..9}',
    '{field:line}',
    '{list:l}',
  );
  const template = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
  const templates = fc.array(template, { minLength: 1, maxLength: 3 });
  const share = fc.constantFrom(0.01, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 2);
  const step = fc.oneof(
    fc.record({ op: fc.constant('constant'), value: fc.constantFrom(0, 7, 300, [1, 2, 3]) }),
    fc.record({ op: fc.constantFrom('noise', 'own', 'invert', 'screenshot') }),
    fc.record({ op: fc.constant('switch'), to: fc.constantFrom('other', 'wrong_option', 'right_option') }),
    fc.record({ op: fc.constantFrom('document', 'screenshot'), lines: templates }),
    fc.record({ op: fc.constant('text'), say: templates, size: share }),
    fc.record({ op: fc.constantFrom('crop', 'paste'), share }),
    fc.record({ op: fc.constant('blur'), radius: share }),
    fc.record({
      op: fc.constant('corrupt'),
      kind: fc.constantFrom(...corruptions),
      severity: fc.constantFrom(1, 2, 3, 5),
    }),
  );
  const scenario = fc.record(
    {
      name: fc.constantFrom('s', 't', 'u', 'v', 'Not a name'),
      hinted: fc.constantFrom('wrong', 'right', 'none'),
      severity: fc.constantFrom(2, [1, 5], [3], 9),
      templates,
      lines: fc.record({ of: fc.constantFrom('l', 'm'), count: fc.integer({ min: 0, max: 4 }) }),
      picture: fc.array(
        fc.oneof(
          step,
          fc.record({
            op: fc.constant('one_of'),
            ways: fc.record({ w: fc.array(step, { minLength: 1, maxLength: 2 }) }),
          }),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    },
    { requiredKeys: ['name'] },
  );
  const named = fc.record({ name: fc.constantFrom('s', 't'), hinted: fc.constant('wrong') });
  const texts = fc.tuple(named, templates).map(([one, list]) => ({ ...one, templates: list }));
  const shown = fc
    .tuple(named, fc.array(step, { minLength: 1, maxLength: 3 }))
    .map(([one, picture]) => ({ ...one, picture }));
  const pack = fc.record({
    name: fc.constant('own'),
    description: fc.constant('d'),
    owner: fc.constant('o'),
    license: fc.constant('l'),
    perturbs: fc.constantFrom('text', 'image'),
    lists: fc.record({ l: fc.constantFrom(['x', 'y {a|b}'], { k: ['z', 'w'] }, ['v {number:1..2}']) }),
    scenarios: fc.array(fc.oneof(texts, shown, scenario), { minLength: 1, maxLength: 2 }),
  });
  const anySample = fc.record({
    id: fc.string(),
    question: fc.string(),
    options: fc.array(fc.string(), { minLength: 2, maxLength: 4 }),
    answer: fc.constantFrom(null, 0),
    context: fc.constantFrom(null, 'before'),
    bytes: fc.constantFrom(
      null,
      'photo' as const,
      new Uint8Array(),
      new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0]),
    ),
    fields: fc.constantFrom<Record<string, string>>({}, { line: '1' }),
  });

  it('is a sample or an error with a name', async () => {
    let [made, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(pack, anySample, fc.integer(), async (raw, { bytes, ...drawn }, seed) => {
        const checked = ScenarioPack.safeParse(raw);
        if (!checked.success) {
          refused++;
          expect(checked.error.issues.every(({ message, path }) => message !== '' && path.length > 0)).toBe(
            true,
          );
          return;
        }
        for (const condition of conditionsOf(checked.data)) {
          const image = bytes === 'photo' ? photos[0]!.image : bytes && { bytes, path: null };
          const asked = sample('x', { ...drawn, image, taskKind: condition.taskKind });
          try {
            for (const result of await all(condition, [asked], seed)) {
              made++;
              expect(result.options).toEqual(asked.options);
              if (condition.taskKind === 'text_heavy') expect(result.image).not.toBeNull();
              if (result.hinted !== null) expect(result.options[result.hinted]).toBeDefined();
            }
          } catch (error) {
            expect(error).toBeInstanceOf(GuardError);
          }
        }
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 500), seed: 5 },
    );
    expect(made).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);
  }, 3_600_000);
});
