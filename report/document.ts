import type { RunReport } from '../schemas/report.ts';
import { html, unescaped } from './html.ts';
import { accuracySection, changeSection } from './sections/accuracy.ts';
import { attackSection } from './sections/attack.ts';
import { exampleSection } from './sections/examples.ts';
import { head } from './sections/head.ts';
import { type Parameters, recordSection } from './sections/record.ts';
import { rolloutSection } from './sections/rollout.ts';
import { trainingSection } from './sections/training.ts';
import { styleSheet } from './style.ts';

export interface ReportOptions {
  /** Configuration of the run; nested settings are shown as "training.steps". */
  parameters?: Parameters;
}

/** Forbids the page every request and every script, also those that an escaping mistake would let in. */
const contentPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** The report as one HTML file: no script, no request, the same bytes for the same report. */
export function renderReport(report: RunReport, options: ReportOptions = {}): string {
  const parts = [
    { id: 'accuracy', title: 'Accuracy', body: accuracySection(report) },
    { id: 'changes', title: 'Changed answers', body: changeSection(report) },
    { id: 'attack', title: 'Attack', body: attackSection(report) },
    { id: 'rollout', title: 'Rollout', body: rolloutSection(report) },
    { id: 'examples', title: 'Examples', body: exampleSection(report) },
    { id: 'training', title: 'Training', body: trainingSection(report) },
    { id: 'record', title: 'Record', body: recordSection(report, options.parameters) },
  ].filter(({ body }) => body !== null);
  const links = parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${unescaped(contentPolicy)}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${report.model.name}: modality interference report</title><style>${unescaped(styleSheet)}</style></head>
<body><main>${head(report)}
<nav aria-label="Contents"><ul>${links}</ul></nav>
${parts.map(({ body }) => body)}
<footer><p>${report.disclaimer}</p><p>Written by modality-guard ${report.codeVersion} on ${report.createdAt}.</p></footer></main></body></html>
`.toString();
}
