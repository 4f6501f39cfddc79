import { type Content, type Html, html } from '../html.ts';

/** A titled section of the report. */
export function section(id: string, title: string, lead: Content, body: Content): Html {
  return html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${title}</h2>
<p class="lead">${lead}</p>
${body}</section>`;
}

export interface Table {
  caption: string;
  /** Columns whose head starts with "#" hold numbers. */
  columns: readonly string[];
  rows: readonly (readonly Content[])[];
}

export function table({ caption, columns, rows }: Table): Html {
  const numeric = columns.map((column) => column.startsWith('#'));
  const head = columns.map(
    (column, i) => html`<th scope="col" class="${numeric[i] ? 'num' : ''}">${column.replace('#', '')}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === 0
        ? html`<th scope="row">${cell}</th>`
        : html`<td class="${numeric[i] ? 'num' : ''}">${cell}</td>`,
    );
    return html`<tr>${cells}</tr>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** The figures behind a chart, folded away on screen and printed in full. */
export function figuresTable(content: Table): Html {
  return html`<details class="figures"><summary>Figures as a table</summary>${table(content)}</details>`;
}

/** A chart in a card with its heading and what stands under it. */
export function card(title: string, note: Content, body: Content, className = ''): Html {
  return html`<figure class="card ${className}"><figcaption><h3>${title}</h3>${
    note !== '' && html`<p class="note">${note}</p>`
  }</figcaption>${body}</figure>`;
}

/** The key to colours and strokes: `style` as in the charts. */
export function legend(entries: readonly { style: string; label: string; bar?: boolean }[]): Html {
  const items = entries.map(({ style, label, bar }) => {
    const sample = bar
      ? html`<rect class="bar ${style}" x="0" y="3" width="22" height="10" rx="2"/>`
      : html`<line class="line ${style}" x1="0" x2="22" y1="8" y2="8"/>`;
    return html`<li><svg width="22" height="16" aria-hidden="true">${sample}</svg>${label}</li>`;
  });
  return html`<ul class="legend">${items}</ul>`;
}

const verdictWords: Record<string, { mark: string; word: string }> = {
  pass: { mark: '✓', word: 'Passed' },
  fail: { mark: '✕', word: 'Failed' },
  inconclusive: { mark: '?', word: 'Undecided' },
};

export function verdictBadge(verdict: string): Html {
  const { mark, word } = verdictWords[verdict] ?? { mark: '', word: verdict };
  return html`<span class="badge ${verdict}"><span aria-hidden="true">${mark}</span> ${word}</span>`;
}
