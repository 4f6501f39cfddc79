import { optionLetters } from '../../schemas/benchmark.ts';
import type { TalkedOut } from '../../schemas/report.ts';
import { type Content, type Html, html } from '../html.ts';
import { perturbationLabel, taskLabel } from '../labels.ts';
import { section } from './parts.ts';

function option(example: TalkedOut, text: string, index: number): Html {
  const { answer, perturbedPrediction, trainedPrediction } = example;
  const tags: Content[] = [
    index === answer && html`<span class="tag right">right</span>`,
    index === perturbedPrediction &&
      html`<span class="tag before">${trainedPrediction === null ? 'answered' : 'before'}</span>`,
    index === trainedPrediction && html`<span class="tag after">after</span>`,
  ];
  return html`<li class="${index === answer ? 'right' : ''}"><span class="letter">${optionLetters.charAt(index)}</span><span>${text}</span><span class="tags">${tags}</span></li>`;
}

/** Only pictures that the report carries itself: anything else would be a request to somewhere. */
function picture({ image, taskKind }: TalkedOut): Html {
  const embedded = image?.match(/^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$/);
  if (!embedded) return html`<div class="picture none">no image</div>`;
  const alt = taskKind === 'text_heavy' ? 'Picture shown beside the text' : 'Picture asked about';
  return html`<img class="picture" src="${embedded[0]}" alt="${alt}" width="112" height="112">`;
}

const quoted = (text: string | null | undefined) => (text ? html`<blockquote>${text}</blockquote>` : false);

function exampleCard(example: TalkedOut): Html {
  const { after, context, inside, question } = example;
  return html`<article class="card example"><h3>${perturbationLabel(example.perturbation)}</h3>
<p class="note">${taskLabel(example.taskKind)} · sample ${example.id}</p><div class="exhibit">${picture(example)}<p class="question">${question}</p></div>
${quoted(context)}${quoted(inside)}
<ol class="options">${example.options.map((text, i) => option(example, text, i))}</ol>${quoted(after)}</article>`;
}

const right = html`<li><span class="tag right">right</span>The right answer</li>`;
const key = html`<ul class="legend">${right}
<li><span class="tag before">before</span>Answer under the perturbation, before training</li>
<li><span class="tag after">after</span>Answer under the perturbation, after training</li></ul>`;
const untrainedKey = html`<ul class="legend">${right}
<li><span class="tag before">answered</span>Answer under the perturbation</li></ul>`;

/** The key to the tags, and a card a sample. */
export function exampleCards(examples: readonly TalkedOut[]): Html {
  const trained = examples.some(({ trainedPrediction }) => trainedPrediction !== null);
  return html`${trained ? key : untrainedKey}<div class="examples">${examples.map(exampleCard)}</div>`;
}

/** Samples that a perturbation talked the base model out of the right answer. */
export function exampleSection({ examples }: { examples: readonly TalkedOut[] }): Html | null {
  if (examples.length === 0) return null;
  const trained = examples.filter(({ trainedPrediction }) => trainedPrediction !== null);
  const righted = trained.filter(({ trainedPrediction, answer }) => trainedPrediction === answer).length;
  const after = ` After training, ${righted} of these ${trained.length} are right.`;
  return section(
    'examples',
    'Samples talked out of the right answer',
    trained.length === 0
      ? 'Answered rightly without the perturbation and wrongly with it. Drawn at random among such samples, the conditions in turn.'
      : `Answered rightly without the perturbation and wrongly with it, by the model before training. Drawn at random among such samples, the conditions in turn, without regard to the trained model.${after}`,
    exampleCards(examples),
  );
}
