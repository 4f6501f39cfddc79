import type { RunReport } from '../schemas/report.ts';
import { type Html, html, unescaped } from './html.ts';
import { styleSheet } from './style.ts';

/** Forbids the page every request and every script, also those that an escaping mistake would let in. */
const contentPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

interface Page {
  title: string;
  head: Html;
  /** A section without a body is left out, of the contents too. */
  sections: readonly { id: string; title: string; body: Html | null }[];
  report: Pick<RunReport, 'disclaimer' | 'codeVersion' | 'createdAt'>;
}

/** One HTML file: no script, no request, the same bytes for the same content. */
export function page({ title, head, sections, report }: Page): string {
  const parts = sections.filter(({ body }) => body !== null);
  const links = parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${unescaped(contentPolicy)}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title}</title><style>${unescaped(styleSheet)}</style></head>
<body><main>${head}
<nav aria-label="Contents"><ul>${links}</ul></nav>
${parts.map(({ body }) => body)}
<footer><p>${report.disclaimer}</p><p>Written by modality-guard ${report.codeVersion} on ${report.createdAt}.</p></footer></main></body></html>
`.toString();
}
