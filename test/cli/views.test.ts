import stringWidth from 'string-width';
import { afterEach, expect, it, vi } from 'vitest';
import { Output } from '../../cli/output.ts';
import { comparisonText } from '../../cli/views/comparison.ts';
import { diagnosisText } from '../../cli/views/diagnosis.ts';
import { estimateText } from '../../cli/views/estimate.ts';
import { planText } from '../../cli/views/plan.ts';
import { reportText } from '../../cli/views/report.ts';
import { estimate, findingsOf, trackRecord } from '../../diagnosis/index.ts';
import type { Comparison } from '../../schemas/comparison.ts';
import { Prices } from '../../schemas/estimate.ts';
import type { PlannedRequests } from '../../schemas/plan.ts';
import { Task } from '../../schemas/task.ts';
import { sampleReport } from '../report/sample.ts';
import { sampleDiagnosis } from '../report/sample-diagnosis.ts';

/** A name of a pack or a model that leaves no room beside it. */
const long = 'incoming-goods-of-the-northern-plant/wrong-result-of-the-visual-inspection-after-repair';
const asian = '受入検査の写真の横に、別の製品の検査結果が書かれている場合の影響を調べる'.repeat(3);

const output = new Output({ input: false, color: false });

/** What a command prints on stdout for people. */
function printed(text: string): string {
  let written = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written += String(chunk);
    return true;
  });
  output.result({}, () => text);
  vi.restoreAllMocks();
  return written;
}
afterEach(() => vi.restoreAllMocks());

const amount = { promptTokens: 1_234_567, completionTokens: 98_765, cost: 1234.5 };
const asked = { requests: 123_456, about: amount, atMost: amount };

function plan(): string {
  const planned: PlannedRequests = {
    ...asked,
    ...{
      model: long,
      benchmark: 'tests',
      seed: 7,
      exact: false,
      priced: true,
      budget: 1,
      pace: null,
      seconds: null,
    },
    conditions: [{ ...asked, condition: `image_heavy/${long}`, exact: false }],
    looks: asked,
    attacks: [{ condition: 'image_heavy/universal_text', samples: 1000, sizes: 5 }],
    notes: [asian],
  };
  return planText(planned);
}

function comparison(): string {
  const accuracy = {
    earlier: 1,
    later: 0,
    difference: -1,
    ci95: [-1, -0.987] as [number, number],
    pValue: 0,
    pAdjusted: 0,
  };
  const changed = { earlier: 0, later: 1, difference: 1, ci95: [0.9, 1] as [number, number], n: 600 };
  const compared: Comparison = {
    ...{ verdict: 'worse', relevantDrop: 0.05 },
    notCompared: [{ condition: `image_heavy/${long}_control`, why: `${asian} ${long}` }],
    conditions: [
      { condition: `image_heavy/${long}`, n: 600, otherAnswers: 1, accuracy, changed, finding: 'worse' },
    ],
  };
  return comparisonText(compared, { earlier: asian, later: long });
}

function money(): string {
  const figure = (accuracy: number) => ({ accuracy, ci95: [accuracy, accuracy], changeRate: 0.1, n: 300 });
  const base = { 'image_heavy/origin': figure(0.9), [`image_heavy/${long}`]: figure(0.3) };
  const prices = Prices.parse({ currency: 'JPY', devices: [{ name: asian, pricePerHour: 1e9 }] });
  const task = Task.parse({
    name: long.replaceAll('/', '-'),
    decides: 'image',
    owner: asian,
    errorCost: 1e6,
    decisionsPerMonth: 1e9,
  });
  const found = estimate({
    ...{ findings: findingsOf({ base }, 'report.json'), prices, tasks: [task] },
    ...{ pilot: null, trackRecord: trackRecord([]) },
  });
  return estimateText(found, output);
}

function diagnosis(): string {
  const report = sampleDiagnosis();
  report.model.name = long;
  report.base[`image_heavy/${long}`] = report.base['image_heavy/misleading_text']!;
  report.gates = report.gates.map((gate) => ({ ...gate, name: asian }));
  return diagnosisText(report);
}

function run(): string {
  const report = sampleReport();
  report.model.name = long;
  report.rollout.reason = asian;
  return reportText(report, { html: 'report.html', json: 'report.json' }, false);
}

it.each([
  ['a plan', plan],
  ['a comparison', comparison],
  ['an estimate', money],
  ['a diagnosis', diagnosis],
  ['a run', run],
])('%s fits into 80 columns, whatever things are called', (_, view) => {
  const text = printed(view());
  expect(text.length).toBeGreaterThan(200);
  // A name that is longer than a line stays whole where it stands alone, to be copied.
  const tooLong = text.split('\n').filter((line) => stringWidth(line) > 80 && /\s\S/.test(line.trim()));
  expect(tooLong).toEqual([]);
});
