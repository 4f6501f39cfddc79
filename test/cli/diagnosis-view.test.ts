import { describe, expect, it } from 'vitest';
import { diagnosisText } from '../../cli/views/diagnosis.ts';
import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sampleDiagnosis } from '../report/sample-diagnosis.ts';

const figure = (accuracy: number) => ({
  accuracy,
  changeRate: 1 - accuracy,
  n: 600,
  ci95: [accuracy - 0.03, accuracy + 0.03] as [number, number],
});

/** With levels, attacks, reliance and a pack of many scenarios. */
function full(): DiagnosisReport {
  const report = sampleDiagnosis();
  for (let severity = 1; severity <= 5; severity++)
    report.base[`text_heavy/corruptions/fog-${severity}`] = figure(0.9 - severity / 20);
  report.levels = {
    image_heavy: { L0: 0.931, L1: 0.612, L2: 0.204, L3: 0.113, L4: 0.402 },
    text_heavy: { L0: 0.981, L1: 0.811, L2: 0.521 },
    vqa: { L0: 0.927 },
  };
  const leaning = (share: number) => ({
    share,
    ci95: [share - 0.02, share + 0.02] as [number, number],
    n: 600,
  });
  report.measures.reliance = {
    image_heavy: { image: leaning(0.63), text: leaning(0.32) },
    text_heavy: { image: leaning(0.16), text: null },
  };
  return report;
}

/** The cells of the first line that begins with `start`; columns are two spaces apart. */
const cellsOf = (text: string, start: string) =>
  text
    .split('\n')
    .find((line) => line.trimStart().startsWith(start))!
    .trim()
    .split(/ {2,}/);

describe('a diagnosis on the terminal', () => {
  it('shows levels, the reliance on each modality, attacks by strength, and what each rule found', () => {
    const text = diagnosisText(full());
    expect(cellsOf(text, 'accuracy by level')).toEqual([
      'accuracy by level',
      'L0 clean',
      'L1 mean',
      'L2 worst',
      'L3 attack',
      'L4 one for all',
    ]);
    const [levels = ''] = text.split('accuracy by level').slice(1);
    expect(cellsOf(levels, 'image_heavy')).toEqual([
      'image_heavy',
      '93.1 %',
      '61.2 %',
      '20.4 %',
      '11.3 %',
      '40.2 %',
    ]);
    expect(cellsOf(levels, 'vqa')).toEqual(['vqa', '92.7 %']);
    const [leans = ''] = text.split('leans on').slice(1);
    expect(cellsOf(leans, 'image_heavy')).toEqual([
      'image_heavy',
      '0.63 (0.61 to 0.65) *',
      '0.32 (0.30 to 0.34)',
    ]);
    expect(cellsOf(leans, 'text_heavy')).toEqual(['text_heavy', '0.16 (0.14 to 0.18)', 'not measured *']);
    const { before, epsRelative } = full().pgd.find(
      ({ attack, taskKind }) => attack === 'pgd' && taskKind === 'image_heavy',
    )!;
    expect(cellsOf(text, 'right in % under attack')).toContain(String(Number(epsRelative!.toPrecision(2))));
    expect(cellsOf(text, 'image_heavy pgd')).toContain((before * 100).toFixed(1));
    expect(text).toMatch(/^FAILS {6}a "rule"/m);
    expect(text).toMatch(/^undecided {2}black$/m);
    expect(text).toMatch(/^passes {5}visual questions$/m);
    expect(text).toMatch(/its rules are broken\.\nVerdict: fail$/m);
  });

  it('shows what random changes do, the words that fool, and which attacks were left out', () => {
    const report = full();
    const point = {
      taskKind: 'image_heavy',
      attack: 'universal_text',
      after: null,
      changeRate: 0.3,
      n: 100,
    } as const;
    const control = { accuracy: 0.881, changeRate: 0.02 };
    report.pgd.push({ ...point, eps: 2, before: 0.453, control, trigger: 'shirt shirt' });
    report.leftOut = [{ taskKind: 'text_heavy', attack: 'pixels', reason: 'no gradient' }];
    const text = diagnosisText(report);
    expect(text).toMatch(/^image_heavy universal_text +45\.3\n {2}random change +88\.1$/m);
    expect(text).toContain('image_heavy universal_text, eps 2: "shirt shirt" before each question');
    expect(text.replaceAll('\n', ' ')).toContain(
      'Attacks left out. Text-heavy tasks: strong attack on the pixels (no gradient',
    );
  });

  it('lists of a large pack what costs most, and how many there are', () => {
    const text = diagnosisText(full());
    expect(text).toContain('  corruptions, worst 3 of 5\n    fog-5');
    expect(text).not.toContain('fog-2');
  });

  it('keeps to 80 columns, and hands no control characters on', () => {
    const lines = diagnosisText(full()).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.join(' ')).not.toMatch(/\p{Cc}/u);
  });

  it('does without labels, levels, attacks and rules', () => {
    const report = full();
    for (const one of Object.values(report.base)) Object.assign(one, { accuracy: null, ci95: null });
    for (const one of Object.values(report.measures.conditions)) one.drop = null;
    const measures = { ...report.measures, worst: {}, reliance: {}, competency: null };
    const { levels: _, ...without } = {
      ...report,
      measures,
      pgd: [],
      gates: [],
      verdict: 'inconclusive' as const,
    };
    const text = diagnosisText(without);
    expect(text).not.toMatch(/accuracy by level|leans on|under attack|NaN|null|undefined/);
    expect(cellsOf(text, 'misleading_text')[1]).toMatch(/^\d+\.\d$/);
    expect(text).toContain('Verdict: inconclusive');
  });
});
