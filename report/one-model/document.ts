import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import type { PageCases } from '../cases/data.ts';
import { caseScript } from '../cases/script.ts';
import { caseSection } from '../cases/section.ts';
import { page } from '../page.ts';
import { attackSection } from '../sections/attack.ts';
import { exampleSection } from '../sections/examples.ts';
import { recordSection } from '../sections/record.ts';
import { factSection } from './facts.ts';
import { diagnosisHead } from './head.ts';
import { levelSection } from './levels.ts';
import { diagnosisAccuracy, diagnosisChanges, gateSection, patternSection } from './sections.ts';
import { sliceSection } from './slices.ts';

/**
 * A diagnosis as one HTML file: no request, the same bytes for the same report. Without `cases` it has no script, and examples in their
 * place.
 */
export function renderDiagnosis(report: DiagnosisReport, cases?: PageCases): string {
  const shown = cases && cases.total > 0 ? cases : null;
  return page({
    title: `${report.model.name}: diagnosis of modality interference`,
    head: diagnosisHead(report),
    sections: [
      { id: 'gates', title: 'Rules', body: gateSection(report) },
      { id: 'levels', title: 'Reliance', body: levelSection(report) },
      { id: 'accuracy', title: 'Accuracy', body: diagnosisAccuracy(report) },
      { id: 'forms', title: 'Forms of texts', body: sliceSection(report) },
      { id: 'changes', title: 'Changed answers', body: diagnosisChanges(report) },
      { id: 'attack', title: 'Attack', body: attackSection(report) },
      { id: 'patterns', title: 'Error patterns', body: patternSection(report) },
      ...(shown
        ? [{ id: 'cases', title: 'Cases', body: caseSection(report, shown, false) }]
        : [{ id: 'examples', title: 'Examples', body: exampleSection(report) }]),
      { id: 'asked', title: 'What was asked', body: factSection(report) },
      { id: 'record', title: 'Record', body: recordSection(report) },
    ],
    script: shown && caseScript,
    report,
  });
}
