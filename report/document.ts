import type { RunReport } from '../schemas/report.ts';
import type { PageCases } from './cases/data.ts';
import { caseScript } from './cases/script.ts';
import { caseSection } from './cases/section.ts';
import { page } from './page.ts';
import { accuracySection, changeSection } from './sections/accuracy.ts';
import { attackSection } from './sections/attack.ts';
import { exampleSection } from './sections/examples.ts';
import { head } from './sections/head.ts';
import { pilotSection } from './sections/pilot.ts';
import { type Parameters, recordSection } from './sections/record.ts';
import { repairSection } from './sections/repair.ts';
import { rolloutSection } from './sections/rollout.ts';
import { trainingSection } from './sections/training.ts';

export interface ReportOptions {
  /** Configuration of the run; nested settings are shown as "training.steps". */
  parameters?: Parameters;
  /** Every failing case; without them the page has no script, and examples in their place. */
  cases?: PageCases;
}

/** The report of a run. */
export function renderReport(report: RunReport, options: ReportOptions = {}): string {
  const cases = options.cases && options.cases.total > 0 ? options.cases : null;
  return page({
    title: `${report.model.name}: modality interference report`,
    head: head(report),
    sections: [
      { id: 'repair', title: 'Repair', body: repairSection(report) },
      { id: 'accuracy', title: 'Accuracy', body: accuracySection(report) },
      { id: 'changes', title: 'Changed answers', body: changeSection(report) },
      { id: 'attack', title: 'Attack', body: attackSection(report) },
      { id: 'pilot', title: 'Pilot', body: pilotSection(report) },
      { id: 'rollout', title: 'Rollout', body: rolloutSection(report) },
      ...(cases
        ? [{ id: 'cases', title: 'Cases', body: caseSection(report, cases, true) }]
        : [{ id: 'examples', title: 'Examples', body: exampleSection(report) }]),
      { id: 'training', title: 'Training', body: trainingSection(report) },
      { id: 'record', title: 'Record', body: recordSection(report, options.parameters) },
    ],
    script: cases && caseScript,
    report,
  });
}
