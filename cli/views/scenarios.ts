import { escapeHtml } from '../../report/index.ts';
import { type EncodedImage, optionLetters, type PerturbedSample } from '../../schemas/benchmark.ts';
import type { ScenarioPack } from '../../schemas/scenario.ts';

interface Shown<Image> {
  name: string;
  description: string | null;
  hinted: string;
  samples: (Omit<PerturbedSample, 'image'> & { image: Image | null })[];
  why: string | null;
}

const none = (why: string | null) => `no sample of the benchmark takes it${why === null ? '' : `; ${why}`}`;

// Data may hold control characters, which a terminal would obey.
const plain = (text: string) => text.replace(/[^\P{Cc}\n]/gu, ' ');
const pointed = ({ hinted, options }: Pick<PerturbedSample, 'hinted' | 'options'>) =>
  hinted === null ? '' : ` -> ${optionLetters.charAt(hinted)}: ${options[hinted]}`;

/** What a pack makes of samples, for a terminal. */
export function previewText(pack: string, scenarios: readonly Shown<string>[]): string {
  const parts = scenarios.flatMap(({ name, samples, why }) => {
    if (samples.length === 0) return ['', `${name}: ${none(why)}`];
    return [
      '',
      name,
      ...samples.flatMap(
        ({ answer, after, context, id, image, inside, options, question, variant, ...sample }) => {
          const right = answer === null ? 'no answer' : `${optionLetters.charAt(answer)}: ${options[answer]}`;
          const marked = (text: string | null | undefined) =>
            (text ?? '')
              .split('\n')
              .filter(Boolean)
              .map((line) => `    | ${line}`);
          return [
            `  ${id} (${variant})${pointed({ ...sample, options })}`,
            ...marked(context),
            ...(image ? [`    [${image}]`] : []),
            `    ${question} (${right})`,
            ...marked(inside),
            ...(after ? [`    ${options.join(' / ')}`, ...marked(after)] : []),
          ];
        },
      ),
    ];
  });
  return plain([`Pack ${pack}`, ...parts].join('\n'));
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
h1{font-size:1.6rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{max-width:46rem}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem}
article{border:1px solid #d5dae1;border-radius:8px;padding:.8rem}
img{width:160px;height:160px;object-fit:contain;image-rendering:pixelated;background:#eef0f3}
blockquote{margin:.4rem 0;padding-left:.6rem;border-left:3px solid #c98a1b;white-space:pre-wrap;overflow-wrap:anywhere}
ol{list-style:upper-alpha;padding-left:1.4rem;margin:.3rem 0}.right{font-weight:600}.hinted{background:#fbe9c6}
small{color:#5b6675}`;

const quoted = (text: string | null | undefined) =>
  text ? [`<blockquote>${escapeHtml(text)}</blockquote>`] : [];

/** A page that stands alone: pictures and style are in it. */
export function previewPage(
  pack: ScenarioPack,
  scenarios: readonly Shown<EncodedImage>[],
  uriOf: (image: EncodedImage) => string,
): string {
  const sections = scenarios.map(({ description, hinted, name, samples, why }) => {
    const cards = samples.map(
      ({ after, answer, context, hinted, id, image, inside, options, question, variant }) => {
        const list = options.map((option, i) => {
          const classes = [i === answer ? 'right' : '', i === hinted ? 'hinted' : '']
            .filter(Boolean)
            .join(' ');
          return `<li class="${classes}">${escapeHtml(option)}</li>`;
        });
        return [
          '<article>',
          ...(image ? [`<img src="${uriOf(image)}" alt="${escapeHtml(variant)}">`] : []),
          ...quoted(context),
          `<div>${escapeHtml(question)}</div>`,
          ...quoted(inside),
          `<ol>${list.join('')}</ol>`,
          ...quoted(after),
          `<small>${escapeHtml(id)} · ${escapeHtml(variant)}</small>`,
          '</article>',
        ].join('\n');
      },
    );
    const body =
      cards.length > 0 ? `<div class="samples">${cards.join('\n')}</div>` : `<p>${escapeHtml(none(why))}</p>`;
    const points = hinted === 'none' ? '' : ` <small>points to the ${hinted} option</small>`;
    return `<h2>${escapeHtml(name)}${points}</h2>\n${description === null ? '' : `<p>${escapeHtml(description)}</p>`}\n${body}`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(pack.name)}</title><style>${style}</style></head>
<body><h1>Scenario pack ${escapeHtml(pack.name)}</h1>
<p>${escapeHtml(pack.description)}</p>
<p><small>Perturbs the ${pack.perturbs}. Owner ${escapeHtml(pack.owner)}, license ${escapeHtml(pack.license)}.
Bold: the right option. Marked: the option that the scenario points to.</small></p>
${sections.join('\n')}
</body></html>
`;
}
