import type { RunReport } from '../../schemas/report.ts';
import { type Content, type Html, html } from '../html.ts';
import { byteSize, duration } from '../labels.ts';
import { figuresTable, section, table } from './parts.ts';

/** What the record tells of a run or of a diagnosis. */
type Recorded = Pick<
  RunReport,
  'workflowId' | 'runId' | 'codeVersion' | 'seed' | 'createdAt' | 'seconds' | 'cached' | 'artifacts'
> & { model: { base: string; trained?: string } };

/** Configuration that the run was started with; shown as it is. */
export type Parameters = Readonly<Record<string, unknown>>;

/** Nested settings as "training.learningRate" -> text. */
function flatten(value: unknown, path: string): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) =>
      flatten(inner, path === '' ? key : `${path}.${key}`),
    );
  }
  return [[path, typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')]];
}

function facts(report: Recorded): Html {
  const rows: [string, string][] = [
    ['Workflow', report.workflowId],
    ['Run', report.runId],
    ...(report.model.trained === undefined
      ? [['Model', report.model.base] satisfies [string, string]]
      : ([
          ['Model before', report.model.base],
          ['Model after', report.model.trained],
        ] satisfies [string, string][])),
    ['Code version', report.codeVersion],
    ['Seed', String(report.seed)],
    ['Written', report.createdAt],
  ];
  const items = rows.map(([name, value]) => html`<div><dt>${name}</dt><dd><code>${value}</code></dd></div>`);
  return html`<dl class="facts">${items}</dl>`;
}

function timing({ seconds, cached }: Recorded): Html {
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  const longest = Math.max(...Object.values(seconds), 1e-9);
  const names = [...new Set([...Object.keys(seconds), ...cached])];
  const rows = names.map((name): Content[] => {
    const fromCache = cached.includes(name);
    const width = Math.round(((seconds[name] ?? 0) / longest) * 100);
    const bar = html`<svg class="time" width="100%" height="10" aria-hidden="true"><rect class="bar after" width="${width}%" height="10" rx="2"/></svg>`;
    const took = fromCache ? html`<span class="badge plain">from cache</span>` : duration(seconds[name] ?? 0);
    return [name, took, bar];
  });
  rows.push(['All steps', duration(total), '']);
  return table({ caption: 'Work per step', columns: ['Step', '#Took', ''], rows });
}

function artifacts({ artifacts: all }: Recorded): Html {
  const rows = Object.entries(all).map(([name, ref]): Content[] => [
    name,
    byteSize(ref.bytes),
    ref.rows ?? '–',
    html`<code class="digest">${ref.digest}</code>`,
    html`<span class="note">${ref.mediaType}</span>`,
  ]);
  const caption = 'Artifacts, named by the SHA-256 of their bytes';
  const content = { caption, columns: ['Artifact', '#Size', '#Rows', 'Digest', 'Type'], rows };
  // A run may have one table per condition and stage: many are folded away on the screen.
  return rows.length > 12 ? figuresTable(content, false, `All ${rows.length} artifacts`) : table(content);
}

/** What is needed to repeat the run and to check it. */
export function recordSection(report: Recorded, parameters?: Parameters): Html {
  const settings = parameters === undefined ? [] : flatten(parameters, '');
  const chosen =
    settings.length > 0 &&
    table({
      caption: 'Parameters',
      columns: ['Name', 'Value'],
      rows: settings.map(([name, value]): Content[] => [name, html`<code>${value}</code>`]),
    });
  return section(
    'record',
    'Record of the run',
    'What was run, on what, and for how long. The same input, code and seed give the same artifacts, byte for byte.',
    html`${facts(report)}<div class="records"><div>${timing(report)}</div><div>${chosen}</div></div>${artifacts(report)}`,
  );
}
