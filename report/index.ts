/** Reports for people and builds: a run's as HTML and as a table on the terminal; a diagnosis' in these and more forms. */

export { leftOutWords } from './attacks.ts';
export { type PageCases, pageCase } from './cases/data.ts';
export { type ReportOptions, renderReport } from './document.ts';
export { headline } from './headline.ts';
export { escapeHtml } from './html.ts';
export { packOf, perturbationLabel, sortedConditions } from './labels.ts';
export { renderDiagnosis } from './one-model/document.ts';
export { costWords } from './one-model/facts.ts';
export { costOfWhat, diagnosisHeadline, patternWords } from './one-model/headline.ts';
export { diagnosisJUnit } from './one-model/junit.ts';
export { completeNote } from './one-model/levels.ts';
export { diagnosisMarkdown } from './one-model/markdown.ts';
export { modelCard } from './one-model/model-card.ts';
export { caveatsOf } from './one-model/served.ts';
export { changedOf, someUnanswered, unansweredOf } from './one-model/unanswered.ts';
export { renderSummary, type SummaryOptions, wrap } from './summary.ts';
