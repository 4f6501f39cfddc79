import type { Showcase } from '../../schemas/report.ts';
import { type Html, html } from '../html.ts';

/** Only pictures that the report carries itself. */
const embedded = (uri: string | null) =>
  uri?.match(/^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$/)?.[0] ?? null;

function figure(uri: string | null, caption: string): Html | null {
  const source = embedded(uri);
  return source === null
    ? null
    : html`<figure><img src="${source}" alt="${caption}"><figcaption class="note">${caption}</figcaption></figure>`;
}

function pictures({ cleanImage, example }: Showcase): Html | null {
  const shown =
    cleanImage === null
      ? [figure(example.image, 'The picture of this sample')]
      : [
          figure(cleanImage, 'The picture without the perturbation'),
          figure(example.image, 'The picture with it'),
        ];
  const there = shown.filter((one) => one !== null);
  return there.length > 0 ? html`<div class="exhibits">${there}</div>` : null;
}

/** One case with its picture and what it means, the cost, and what to do next: the first that a reader who decides should see. */
export function showcasePanel(
  showcase: Showcase | undefined,
  { cost, happened, next }: { happened: readonly string[]; cost: readonly string[]; next: readonly string[] },
): Html {
  const [first, ...more] = happened;
  return html`<section id="first" class="showcase" aria-label="In short">${showcase ? pictures(showcase) : null}<div>
${first !== undefined && html`<p class="case-words">${first}</p>`}${more.map((text) => html`<p>${text}</p>`)}
${cost.length > 0 && html`<h2>What it costs</h2>${cost.map((text) => html`<p>${text}</p>`)}`}
<h2>What to do next</h2><ul>${next.map((text) => html`<li>${text}</li>`)}</ul></div></section>`;
}
