// Prints the attacks of a run's report.json as a Markdown table. With --write it takes its place in docs/attacks.md, whose
// figures are then those that the report shows: node scripts/attack-table.mjs <report.json> --write
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [path, flag] = process.argv.slice(2);
const document = fileURLToPath(new URL('../docs/attacks.md', import.meta.url));
const [begin, end] = ['<!-- figures of a report -->\n', '<!-- end of figures -->'];

const percent = (share) => (100 * share).toFixed(1);
const size = (value) => String(Number(value.toPrecision(2)));

/** Rows a kind of task and attack, columns a strength; before and after in one cell. */
function attackTable({ masking = [], model, pgd, seed }) {
  const points = pgd.filter(({ attack, epsRelative }) => attack !== 'rg' && epsRelative !== undefined);
  const sizes = [...new Set(points.map(({ epsRelative }) => epsRelative))].sort((a, b) => a - b);
  const groups = [...new Set(points.map(({ attack, taskKind }) => `${taskKind} ${attack}`))];
  const rows = groups.map((name) => {
    const [taskKind, attack] = name.split(' ');
    const cells = sizes.map((wanted) => {
      const found = points.find(
        (one) => one.taskKind === taskKind && one.attack === attack && one.epsRelative === wanted,
      );
      if (!found) return '';
      const { after, before, eps } = found;
      const trained = after === null ? '' : ` → ${percent(after)}`;
      return `${percent(before)}${trained}${wanted > 0 ? ` (${size(eps)})` : ''}`;
    });
    const embeddings = taskKind === 'image_heavy' ? 'text' : 'image';
    return `| ${embeddings} | \`${attack}\` | ${cells.join(' | ')} |`;
  });
  const counts = [...new Set(points.map(({ n }) => n))].join(' and ');
  const checks = masking.map(
    ({ bySearch, byTransfer, masked, model: whose, taskKind }) =>
      `${taskKind === 'image_heavy' ? 'text' : 'image'}, ${whose}: search ${percent(bySearch)} %${byTransfer === null ? '' : `, transfer ${percent(byTransfer)} points`}${masked ? ' (masked)' : ''}`,
  );
  return [
    `| embeddings of | attack | ${sizes.map((wanted) => (wanted === 0 ? 'none' : `${size(wanted)} ×`)).join(' | ')} |`,
    `| --- | --- |${' ---: |'.repeat(sizes.length)}`,
    ...rows,
    '',
    `Accuracy in %, n = ${counts}, seed ${seed}; the base is ${model.base.slice(0, 15)}. What gradients left standing and a search without them`,
    `fooled, and what examples of the base took beyond the strong attack: ${checks.join('; ') || 'not measured'}.`,
    '',
  ].join('\n');
}

if (path === undefined || (flag !== undefined && flag !== '--write')) {
  process.stderr.write('usage: node scripts/attack-table.mjs <report.json> [--write]\n');
  process.exitCode = 2;
} else {
  const table = attackTable(JSON.parse(readFileSync(path, 'utf8')));
  if (flag !== '--write') process.stdout.write(table);
  else {
    const text = readFileSync(document, 'utf8');
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from)
      throw new Error(`${document}: expected the lines "${begin.trim()}" and "${end}"`);
    writeFileSync(document, `${text.slice(0, from + begin.length)}${table}${text.slice(to)}`);
  }
}
