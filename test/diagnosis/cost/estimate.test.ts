import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annuity, type Estimate, estimate } from '../../../diagnosis/cost/estimate.ts';
import { findingsOf } from '../../../diagnosis/cost/findings.ts';
import { evenWeights } from '../../../diagnosis/cost/gain.ts';
import { scorePilot, trackRecord } from '../../../diagnosis/cost/score.ts';
import type { OpenFigures } from '../../../schemas/diagnosis.ts';
import { Pilot, Prices } from '../../../schemas/estimate.ts';
import { Task } from '../../../schemas/task.ts';

const figure = (accuracy: number | null, changeRate = 0, n = 400): OpenFigures => ({
  accuracy,
  ci95: accuracy === null ? null : [Math.max(0, accuracy - 0.05), Math.min(1, accuracy + 0.05)],
  changeRate,
  n,
});
const drop = (value: number, half: number) => ({
  drop: value,
  ci95: [value - half, value + half],
  pValue: 0,
  pAdjusted: 0,
  n: 400,
  pairsNeeded: 100,
  verdict: 'drop',
});
const conditions = { 'image_heavy/misleading_text': 0.4, 'image_heavy/unrelated_text': 0.1 };
const diagnosis = {
  status: 'completed',
  verdict: 'fail',
  figures: {
    'image_heavy/origin': figure(0.9),
    'image_heavy/misleading_text': figure(0.5),
    'image_heavy/unrelated_text': figure(0.8),
    'image_heavy/helpful_text': figure(0.95),
    'image_heavy/image_removed': figure(0.25),
  },
  measures: {
    conditions: Object.fromEntries(
      Object.entries(conditions).map(([name, d]) => [name, { drop: drop(d, 0.05) }]),
    ),
  },
};
const task = Task.parse({
  name: 'photos',
  decides: 'image',
  owner: 'Ada',
  errorCost: 2,
  decisionsPerMonth: 10_000,
});
const prices = (changed: object = {}) =>
  Prices.parse({
    currency: 'EUR',
    hurdleRate: 0,
    exposure: { share: 0.1 },
    devices: [
      { name: 'here', pricePerHour: 1 },
      { name: 'fast', pricePerHour: 3, speedRelativeToThis: 6 },
    ],
    labelling: { perSample: 0.5 },
    people: [{ role: 'engineer', hours: 10, perHour: 80 }],
    training: { steps: 100, batch: 16, secondsPerStep: 36 },
    ...changed,
  });
const none = trackRecord([]);
const at = (misled: number, unrelated: number) => ({
  'image_heavy/origin': figure(0.9),
  'image_heavy/misleading_text': figure(misled),
  'image_heavy/unrelated_text': figure(unrelated),
});
const pilot = Pilot.parse({
  kind: 'pilot',
  model: 'mini',
  seed: 1,
  batch: 16,
  secondsPerStep: 36,
  available: { image_heavy: 150, text_heavy: 500, vqa: 0 },
  points: [
    [0, 0.5, 0.8],
    [10, 0.8, 0.84],
    [20, 0.86, 0.86],
    [40, 0.88, 0.88],
  ].map(([steps, misled, unrelated]) => ({
    share: steps! / 40,
    steps,
    figures: at(misled!, unrelated!),
  })),
});

it('a right hint of a pack, and what takes the deciding modality away, costs nothing', () => {
  const figures = { ...diagnosis.figures, 'image_heavy/titles/right': figure(0.6) };
  const conditions = (diagnosed: object) => Object.keys(findingsOf(diagnosed, 'report.json').drops);
  const usual = Object.keys(at(0, 0)).slice(1);
  const named = { ...diagnosis, figures, measures: { ...diagnosis.measures, rightHints: ['titles/right'] } };
  expect(conditions(named)).toEqual(usual);
  // In a run's report they stand beside the figures; where nobody says so, a scenario is taken for interference.
  expect(conditions({ base: figures, rightHints: ['titles/right'] })).toEqual(usual);
  expect(conditions({ base: figures })).toEqual([...usual, 'image_heavy/titles/right']);
  expect(evenWeights(figures, 'image_heavy', ['titles/right']).map(([name]) => name)).toEqual(usual);
});

function of(
  changed: object = {},
  more: { pilot?: Pilot; steps?: number; tasks?: Task[]; diagnosis?: object } = {},
) {
  const found = estimate({
    findings: findingsOf(more.diagnosis ?? diagnosis, 'report.json'),
    prices: prices(changed),
    tasks: more.tasks ?? [task],
    pilot: more.pilot ?? null,
    steps: more.steps,
    trackRecord: none,
  });
  // Null of a model that cannot be trained alone.
  return found as Estimate & {
    repair: NonNullable<Estimate['repair']>;
    return: NonNullable<Estimate['return']>;
  };
}

describe('an estimate', () => {
  it('multiplies decisions, exposure, drop and the cost of an error', () => {
    const { damage } = of();
    // 10,000 decisions, a tenth of them exposed, evenly over two conditions: 500 each, 40 and 10 points lost.
    const [misled, unrelated] = damage.tasks[0]!.conditions;
    expect(misled).toMatchObject({ condition: 'image_heavy/misleading_text', exposure: 0.05 });
    expect(misled!.affected.value).toBeCloseTo(200);
    expect(misled!.cost.value).toBeCloseTo(400);
    expect(misled!.cost.ci95[0]).toBeCloseTo(350);
    expect(misled!.cost.ci95[1]).toBeCloseTo(450);
    expect(unrelated!.cost.value).toBeCloseTo(100);
    expect(damage.affectedPerMonth.value).toBeCloseTo(250);
    expect(damage.costPerMonth.value).toBeCloseTo(500);
    expect(damage.costPerMonth.ci95[1]).toBeCloseTo(600);
  });

  it('takes damage that nobody measured for unknown, not for none', () => {
    const clean = { base: { 'image_heavy/origin': figure(0.9) }, measures: { conditions: {} } };
    const { reasons, verdict } = of({}, { diagnosis: clean });
    expect(verdict).toBe('pilot_more');
    expect(reasons).toEqual([
      'task "photos": the diagnosis has no perturbation of image_heavy samples, so what it loses is not known',
    ]);
    const text = Task.parse({ ...task, name: 'letters', decides: 'text' });
    expect(of({}, { tasks: [text] })).toMatchObject({ verdict: 'pilot_more' });
    expect(of({}, { tasks: [{ ...text, errorCost: 0 }] }).verdict).toBe('no_go');
    const both = Task.parse({ ...task, name: 'pages', decides: 'both' });
    const { assumptions, verdict: answer } = of({}, { tasks: [both] });
    expect([answer, assumptions[0]]).toEqual(['no_go', expect.stringMatching(/^pages: both modalities/)]);
  });

  it('takes what each task loses on samples of its own, where there are enough', () => {
    const condition = 'image_heavy/misleading_text';
    const own = (loss: number, n: number) => ({
      [condition]: { drop: { drop: loss, ci95: [loss - 0.01, loss + 0.01], n }, changeRate: loss, n },
      // No misinformation, so no loss.
      'image_heavy/image_removed': { drop: { drop: 0.7, ci95: [0.6, 0.8], n }, changeRate: 0.7, n },
    });
    const tasks = ['photos', 'labels', 'scans'].map((name) => ({ ...task, name }));
    const measures = {
      ...diagnosis.measures,
      tasks: { photos: own(0.6, 200), labels: own(0.05, 30), scans: own(0.9, 29) },
    };
    const { assumptions, damage } = of({}, { tasks, diagnosis: { ...diagnosis, measures } });
    expect(damage.tasks.map(({ samples }) => samples)).toEqual(['own', 'own', 'kind']);
    expect(damage.tasks.map(({ conditions }) => conditions.map((one) => [one.condition, one.drop]))).toEqual([
      [[condition, 0.6]],
      [[condition, 0.05]],
      [
        [condition, 0.4],
        ['image_heavy/unrelated_text', 0.1],
      ],
    ]);
    // 10,000 decisions, a tenth exposed, all of it under the only condition.
    expect(damage.tasks[0]!.affected.value).toBeCloseTo(600);
    expect(assumptions.filter((one) => one.includes('its own'))).toEqual([expect.stringMatching(/^scans: /)]);
    expect(of({}, { tasks: [task] }).assumptions.join()).not.toContain('its own');
  });

  it('without labels counts the changed answers of each task', () => {
    const tasks = { photos: { 'image_heavy/misleading_text': { drop: null, changeRate: 0.3, n: 100 } } };
    const open = { ...diagnosis, measures: { conditions: {}, tasks } };
    expect(findingsOf(open, 'report.json').ofTasks.photos).toEqual({
      'image_heavy/misleading_text': { drop: 0.3, ci95: [0, expect.closeTo(0.396, 2)], basis: 'changes' },
    });
  });

  it('divides the exposure as the mix says', () => {
    const { damage } = of({
      exposure: { tasks: { photos: 0.2 }, mix: { misleading_text: 3, unrelated_text: 1 } },
    });
    expect(damage.tasks[0]!.conditions.map(({ exposure }) => exposure)).toEqual([
      expect.closeTo(0.15),
      expect.closeTo(0.05),
    ]);
    expect(
      of({ exposure: { share: 0.1, mix: { misleading_text: 1 } } }).damage.costPerMonth.value,
    ).toBeCloseTo(800);
  });

  it('adds up the repair: samples, the cheapest device, people', () => {
    const { repair } = of({ available: { image_heavy: 150, text_heavy: 500 } });
    // 100 steps of 16 rows: 200 pairs of each kind and 800 of VQA; 3600 s here are 600 s on the fast one.
    expect(repair.samples).toEqual({ image_heavy: 200, text_heavy: 200, vqa: 800 });
    expect(repair.toAdd).toEqual({ image_heavy: 50, text_heavy: 0, vqa: 800 });
    expect(repair.device).toBe('fast');
    expect(repair.devices).toEqual([
      { name: 'here', hours: 1, cost: 1 },
      { name: 'fast', hours: expect.closeTo(1 / 6), cost: expect.closeTo(0.5) },
    ]);
    expect(repair.costs).toEqual({ labelling: 425, compute: expect.closeTo(0.5), people: 800, diagnosis: 0 });
    expect(repair.total).toBeCloseTo(1225.5);
    const endpoint = of({ endpoint: { perThousandRequests: 5, diagnoses: 2 } }).repair;
    expect(endpoint.costs.diagnosis).toBeCloseTo((2 * 5 * 400 * 5) / 1000);
  });

  it('knows only the published range without a pilot, and then asks for one', () => {
    const { assumptions, gains, return: net, verdict, reasons, repair } = of();
    const [low, high] = [(99 - 17.5) / 82.5, (98.4 - 43.5) / 56.5];
    expect(gains[0]).toMatchObject({ basis: 'published', curve: null });
    expect(gains[0]!.saved.ci95[0]).toBeCloseTo(400 * Math.min(low, high));
    expect(gains[0]!.saved.ci95[1]).toBeCloseTo(600 * low);
    expect(net.value).toBeCloseTo(12 * gains[0]!.saved.value - repair.total);
    expect(net.ci95[0]).toBeGreaterThan(0);
    expect(verdict).toBe('pilot_more');
    expect(reasons.join()).toContain('there is no pilot');
    expect(assumptions.join()).toContain('no labelled samples');
  });

  it('goes where a pilot shows that the whole interval is a gain, with the steps of the best return', () => {
    const found = of({}, { pilot });
    expect(found).toMatchObject({ verdict: 'go', gains: [{ basis: 'pilot' }] });
    expect(found.repair.toAdd.text_heavy).toBe(0);
    expect(found.return.ci95[0]).toBeGreaterThan(0);
    // What is searched is a grid of steps: its neighbours may be better by a trifle.
    for (const steps of [10, 40, 160])
      expect(of({}, { pilot, steps }).return.value).toBeLessThanOrEqual(found.return.value + 1);
    expect(of({}, { pilot, steps: 161 })).toMatchObject({ verdict: 'pilot_more' });
    const four = { ...pilot, points: pilot.points.slice(0, 3) };
    expect(of({}, { pilot: four }).reasons.join()).toContain('too few points');
  });

  it('refuses what cannot pay, and does not decide what may go either way', () => {
    const dear = (hours: number) => of({ people: [{ role: 'engineer', hours, perHour: 80 }] }, { pilot });
    expect(dear(1000)).toMatchObject({ verdict: 'no_go' });
    const { savedOverHorizon } = dear(0);
    const open = dear((savedOverHorizon.value - 500) / 80);
    expect(open.verdict).toBe('pilot_more');
    expect(open.reasons[0]).toContain('a loss as well as a gain');
  });

  it('leaves computing out, and does not go, where nobody has measured a step', () => {
    const found = of({ training: {} }, { pilot: { ...pilot, secondsPerStep: null } });
    expect(found.repair).toMatchObject({ device: null, costs: { compute: 0 } });
    expect(found.verdict).toBe('pilot_more');
  });

  it('reads reports without paired drops, with wider intervals, and samples without labels', () => {
    const { measures: _, figures: base, ...rest } = diagnosis;
    const report = {
      ...rest,
      base,
      losses: [{}, {}, {}],
      secondsPerStep: 4,
    };
    const { drops, secondsPerStep, trainedSteps } = findingsOf(report, 'report.json');
    expect([secondsPerStep, trainedSteps]).toEqual([4, 3]);
    expect(drops['image_heavy/misleading_text']).toEqual({
      drop: expect.closeTo(0.4),
      ci95: [expect.closeTo(0.4 - Math.SQRT2 * 0.05), expect.closeTo(0.4 + Math.SQRT2 * 0.05)],
      basis: 'unpaired',
    });
    expect(findingsOf({ ...report, secondsPerStep: null }, 'report.json').secondsPerStep).toBeNull();
    expect(Object.keys(drops)).toEqual(Object.keys(conditions));
    const unlabelled = {
      figures: { 'image_heavy/origin': figure(null), 'image_heavy/ocr_text': figure(null, 0.25) },
    };
    const open = of({}, { diagnosis: unlabelled });
    expect(open.damage.tasks[0]!.conditions[0]).toMatchObject({ basis: 'changes', drop: 0.25 });
    expect(open.verdict).toBe('pilot_more');
  });

  it('names labels that have no price, and does not go on them; a price of 0 is one', () => {
    const certain = { labelling: undefined, people: [] };
    const open = of(certain, { pilot });
    expect(open.verdict).toBe('pilot_more');
    expect(open.reasons.join()).toMatch(
      /labels have no price: .*\d+ vqa samples.*state labelling\.perSample/,
    );
    expect(open.assumptions).toContain('nobody works on the repair: state people');
    const free = of({ ...certain, labelling: { perSample: 0 } }, { pilot });
    expect(free.verdict).toBe('go');
    expect(free.reasons.join()).not.toMatch(/labels/);
  });

  it.each([
    ['behind a server', { endpoint: { samples: 3 } }, /stands behind a server/],
    [
      'without gradients',
      {
        leftOut: [
          {
            taskKind: 'image_heavy',
            attack: 'pgd',
            reason: 'node x (SampleOp): there is no gradient rule for this operation',
          },
        ],
      },
      /there is no gradient rule/,
    ],
  ])('offers no repair of a model %s, and still says what interference costs', (_, more, why) => {
    const found = of({}, { diagnosis: { ...diagnosis, ...more }, pilot });
    expect(found).toMatchObject({ verdict: 'no_go', repair: null, return: null, gains: [] });
    expect(found.reasons).toEqual([
      expect.stringMatching(/^this model cannot be trained .*no repair is offered/),
    ]);
    expect(found.reasons[0]).toMatch(why);
    expect(found.damage.costPerMonth.value).toBeCloseTo(500);
  });

  it('has nothing to repair in a task that both modalities decide', () => {
    const both = Task.parse({ ...task, decides: 'both' });
    expect(of({}, { tasks: [both] })).toMatchObject({ verdict: 'no_go', gains: [{ basis: 'none' }] });
  });

  it('refuses exposures of what is not there, and figures without their origin', () => {
    expect(() => of({ exposure: { tasks: { photo: 0.1 } } })).toThrow(
      /^prices file, exposure.tasks: there is no task "photo"; there are photos/,
    );
    expect(() => of({ exposure: { mix: { mislead: 1 } } })).toThrow(/has no "mislead"/);
    expect(() => of({ available: { vqa: -5 } })).toThrow(/vqa/);
    const orphan = { figures: { 'image_heavy/ocr_text': figure(0.5) } };
    expect(() => findingsOf(orphan, 'd.json')).toThrow(
      /d\.json: "image_heavy\/ocr_text" has no "image_heavy\/origin"/,
    );
    expect(() => findingsOf({ hello: 1 }, 'd.json')).toThrow(/neither "base" nor "figures"/);
    expect(() => findingsOf({ base: { a: { accuracy: 2 } } }, 'd.json')).toThrow(/base\.a\.accuracy/);
  });

  it('discounts later months by the hurdle rate', () => {
    expect(annuity(12, 0)).toBe(12);
    expect(annuity(1, 0.21)).toBeCloseTo(1 / 1.21 ** (1 / 12));
    expect(annuity(24, 0.1)).toBeCloseTo((1 - 1.1 ** -2) / (1.1 ** (1 / 12) - 1));
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

const money = fc.double({ min: 0, max: 1e6, noNaN: true });
const part = fc.double({ min: 0, max: 1, noNaN: true });
const anyPrices = fc.record({
  exposure: fc.record({ share: part }),
  horizonMonths: fc.integer({ min: 1, max: 120 }),
  hurdleRate: fc.double({ min: 0, max: 2, noNaN: true }),
  labelling: fc.record({ perSample: money }),
  people: fc.array(fc.record({ role: fc.constant('x'), hours: money, perHour: money }), { maxLength: 2 }),
  devices: fc.tuple(fc.record({ name: fc.constant('d'), pricePerHour: money })),
});
const anyDiagnosis = fc
  .tuple(part, part, part, fc.integer({ min: 1, max: 1000 }))
  .map(([clean, misled, changed, n]) => ({
    base: {
      'image_heavy/origin': figure(clean, 0, n),
      'image_heavy/misleading_text': figure(misled, changed, n),
    },
  }));

describe('any estimate', () => {
  const anyInput = fc.record({
    prices: anyPrices,
    diagnosis: anyDiagnosis,
    decisions: fc.integer({ min: 0, max: 1e8 }),
    errorCost: money,
    seconds: fc.option(fc.double({ min: 1e-3, max: 1e4, noNaN: true }), { nil: null }),
  });
  type Input = typeof anyInput extends fc.Arbitrary<infer T> ? T : never;
  const run = (
    { decisions, diagnosis: found, errorCost, prices: changed, seconds }: Input,
    with_: Pilot | null,
  ) =>
    of(
      { ...changed, training: seconds === null ? {} : { secondsPerStep: seconds } },
      {
        diagnosis: found,
        tasks: [{ ...task, decisionsPerMonth: decisions, errorCost }],
        ...(with_ ? { pilot: with_ } : {}),
      },
    );
  const ordered = ({ return: net, savedPerMonth, savedOverHorizon }: Estimate) =>
    [net!, savedPerMonth, savedOverHorizon].every(({ ci95, value }) => ci95[0] <= value && value <= ci95[1]);

  it('holds only numbers, in the order of their intervals', () => {
    fc.assert(
      fc.property(anyInput, fc.constantFrom(null, pilot), (input, with_) => {
        const found = run(input, with_);
        expect(numbersIn(found).every(Number.isFinite)).toBe(true);
        expect(ordered(found)).toBe(true);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('never gets better by a higher price, nor worse by dearer errors that are repaired', () => {
    fc.assert(
      fc.property(anyInput, fc.double({ min: 1, max: 10, noNaN: true }), (input, times) => {
        const before = run(input, pilot).return.value;
        const dearer = structuredClone(input);
        dearer.prices.labelling!.perSample *= times;
        dearer.prices.devices[0].pricePerHour *= times;
        for (const one of dearer.prices.people) one.perHour *= times;
        const slack = 1e-9 * Math.max(1, Math.abs(before));
        expect(run(dearer, pilot).return.value).toBeLessThanOrEqual(before + slack);
        const costlier = { ...input, errorCost: input.errorCost * times };
        expect(run(costlier, pilot).return.value).toBeGreaterThanOrEqual(before - slack);
      }),
      { numRuns: 40, seed: 2 },
    );
  });
});

describe('the record of predictions', () => {
  it('compares what a pilot predicted with what came out', () => {
    const [near] = scorePilot(pilot, 80, at(0.89, 0.89));
    expect(near).toMatchObject({ taskKind: 'image_heavy', actual: 0.89, covered: true });
    expect(near!.error).toBeCloseTo(0.89 - near!.predicted);
    const [far] = scorePilot(pilot, 80, at(0.3, 0.3));
    expect(far).toMatchObject({ covered: false });
    expect(scorePilot({ ...pilot, points: pilot.points.slice(0, 2) }, 80, at(0.9, 0.9))).toEqual([]);
    const record = { at: '2026-01-01T00:00:00Z', workflowId: 'w', model: 'm', steps: 80 };
    const scores = [near!, far!].map((score) => ({ ...record, ...score }));
    expect(trackRecord(scores)).toEqual({
      count: 2,
      coverage: 0.5,
      meanAbsoluteError: (Math.abs(near!.error) + Math.abs(far!.error)) / 2,
    });
    expect(none).toEqual({ count: 0, coverage: null, meanAbsoluteError: null });
  });
});
