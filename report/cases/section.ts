import type { TalkedOut } from '../../schemas/report.ts';
import { type Html, html } from '../html.ts';
import { exampleCards } from '../sections/examples.ts';
import { section } from '../sections/parts.ts';
import { dataElement, type PageCases } from './data.ts';

const filters: readonly [name: string, label: string][] = [
  ['task', 'Task'],
  ['kind', 'Kind of task'],
  ['condition', 'Condition'],
  ['failure', 'What happened'],
  ['model', 'Model'],
  ['answer', 'Answer given'],
];

/** What of all cases is not here, and where it is. */
function missing({ cases, files, total, withoutPicture }: PageCases): string {
  const where = `${files.join(' and ')} beside this file ${files.length === 1 ? 'lists' : 'list'} all ${total}.`;
  if (cases.length < total)
    return `This file holds ${cases.length} of ${total} cases, and not all pictures of ${withoutPicture} of them, so that it stays below 20 MB; ${where}`;
  if (withoutPicture > 0)
    return `All ${total} cases are here, but not all pictures of ${withoutPicture} of them, so that this file stays below 20 MB (or as they cannot be decoded); ${where}`;
  return `All ${total} cases are here; ${where}`;
}

function controls(): Html {
  const selects = filters.map(
    ([name, label]) =>
      html`<label>${label}<select name="${name}"><option value="">all</option></select></label>`,
  );
  return html`<form id="case-filters"><label class="wide">Search in texts<input id="case-search" type="search" autocomplete="off"></label>${selects}</form>
<p id="case-count" class="note" role="status" aria-live="polite"></p>`;
}

const viewer = html`<dialog id="case-viewer" aria-label="A case"><div class="bar"><button type="button" value="back">← Back</button><span id="case-place" class="note" role="status"></span><button type="button" value="next">Next →</button>
<span class="gap"></span><button type="button" value="smaller" aria-label="Smaller pictures">−</button><button type="button" value="larger" aria-label="Larger pictures">+</button><button type="button" value="close">Close</button></div><div id="case-stage" tabindex="0"></div></dialog>`;

/**
 * Every failing case, to be filtered, searched and enlarged by the page's script. Where scripts do not run the examples stand in its place.
 * Null: there is none.
 */
export function caseSection(
  { examples }: { examples: readonly TalkedOut[] },
  found: PageCases,
  trained: boolean,
): Html | null {
  if (found.total === 0) return null;
  const { cases, pictures } = found;
  const lead = `Samples whose answer a perturbation changes: right without it and wrong with it, another answer where nobody knows the right one or both are wrong, or none any more. The clean question stands beside the perturbed one, and what was added or changed is marked. ${missing(found)}`;
  const still =
    examples.length > 0 ? exampleCards(examples) : html`<p class="note">The cases are shown by a script.</p>`;
  return section(
    'cases',
    'Every answer that a perturbation changes',
    lead,
    html`<div id="case-static">${still}</div>
<div id="case-browser" hidden>${controls()}<div id="case-list" class="cases"></div><button type="button" id="case-more" class="more" hidden></button>${viewer}</div>
${dataElement('case-data', { cases, pictures, trained })}`,
  );
}
