import { createHash } from 'node:crypto';
import type { RunReport } from '../schemas/report.ts';
import { type Html, html, unescaped } from './html.ts';
import { styleSheet } from './style.ts';

/** Forbids the page every request and every script, also those that an escaping mistake would let in. */
const contentPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** The same but for one script, by its digest, which may make no HTML of texts. */
function policyFor(script: string | null): string {
  if (script === null) return contentPolicy;
  const digest = createHash('sha256').update(script).digest('base64');
  return `${contentPolicy}; script-src 'sha256-${digest}'; require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'`;
}

interface Page {
  title: string;
  head: Html;
  /** A section without a body is left out, of the contents too. */
  sections: readonly { id: string; title: string; body: Html | null }[];
  /** A constant of this project; null: none. */
  script?: string | null;
  report: Pick<RunReport, 'disclaimer' | 'codeVersion' | 'createdAt'>;
}

/** One HTML file: no request, at most one script, the same bytes for the same content. */
export function page({ title, head, sections, script = null, report }: Page): string {
  const parts = sections.filter(({ body }) => body !== null);
  const links = parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${unescaped(policyFor(script))}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title}</title><style>${unescaped(styleSheet)}</style></head>
<body><main>${head}
<nav aria-label="Contents"><ul>${links}</ul></nav>
${parts.map(({ body }) => body)}
<footer><p>${report.disclaimer}</p><p>Written by modality-guard ${report.codeVersion} on ${report.createdAt}.</p></footer></main>${
    script !== null && unescaped(`<script>${script}</script>`)
  }</body></html>
`.toString();
}
