import { type Content, type Html, html, unescaped } from '../html.ts';

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
export function figuresTable(content: Table, open = false, summary = 'Figures as a table'): Html {
  return html`<details class="figures"${open && unescaped(' open')}><summary>${summary}</summary>${table(content)}</details>`;
}

/** A chart in a card with its heading and what stands under it. */
export function card(title: string, note: Content, body: Content, className = ''): Html {
  return html`<figure class="card ${className}"><figcaption><h3>${title}</h3>${
    note !== '' && html`<p class="note">${note}</p>`
  }</figcaption>${body}</figure>`;
}

/** Two columns of cards, filled so that they end at about the same height; `size` is in rows. */
export function stacks(cards: readonly { size: number; body: Html }[]): Html {
  const columns = [
    { size: 0, bodies: [] as Html[] },
    { size: 0, bodies: [] as Html[] },
  ];
  for (const { size, body } of cards) {
    const shorter = columns.reduce((a, b) => (b.size < a.size ? b : a));
    shorter.size += size;
    shorter.bodies.push(body);
  }
  const filled = columns.filter(({ bodies }) => bodies.length > 0);
  return html`<div class="columns">${filled.map(({ bodies }) => html`<div class="stack">${bodies}</div>`)}</div>`;
}

/** The key to colours and strokes: `style` as in the charts. */
export function legend(
  entries: readonly { style: string; label: string; mark?: 'bar' | 'dot' | 'line' }[],
): Html {
  const items = entries.map(({ style, label, mark = 'line' }) => {
    const sample = {
      bar: html`<rect class="bar ${style}" x="0" y="3" width="22" height="10" rx="2"/>`,
      dot: html`<circle class="dot ${style}" cx="14" cy="8" r="5.5"/>`,
      line: html`<line class="line ${style}" x1="0" x2="22" y1="8" y2="8"/>`,
    }[mark];
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
