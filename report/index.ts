/** A run's report for people: one HTML file, and the table on the terminal. */
export { type ReportOptions, renderReport } from './document.ts';
export { headline } from './headline.ts';
export { renderSummary, type SummaryOptions } from './summary.ts';
