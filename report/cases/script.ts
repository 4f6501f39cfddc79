/**
 * The only script of a page: it shows the cases that the page holds as data, filters them, and enlarges their pictures. It makes elements and
 * sets text, never HTML, so that no text of a sample can become more than text; the page's policy admits it by its digest and nothing else.
 */
export const caseScript = `
(() => {
'use strict';
const byId = (id) => document.getElementById(id);
const { cases, pictures, trained } = JSON.parse(byId('case-data').textContent);
const list = byId('case-list'), count = byId('case-count'), more = byId('case-more');
const search = byId('case-search'), selects = [...document.querySelectorAll('#case-filters select')];
const viewer = byId('case-viewer'), stage = byId('case-stage'), place = byId('case-place');
const page = 24, smallSide = 128;
const failures = { talked_out: 'Right without, wrong with it', changed: 'Another answer', unanswered: 'Not answered with it' };
let found = cases, shown = page, open = 0, zoom = 1;

const make = (name, props, ...children) => {
  const element = Object.assign(document.createElement(name), props);
  element.append(...children.filter((child) => child !== null && child !== ''));
  return element;
};
const percent = (share) => share === undefined ? '' : (share * 100).toFixed(0) + '\\u00a0%';
const option = (one, index) => index === null ? null : one.letters[index] + ': ' + one.options[index];
const failed = (one) => one.before.failure || one.after.failure;
const fields = {
  task: (one) => [one.task],
  kind: (one) => [one.kind],
  condition: (one) => [one.condition],
  failure: (one) => [failures[failed(one)]],
  model: (one) => [one.before.failure && 'Fails before training', one.after && one.after.failure && 'Fails after training'],
  answer: (one) => [one.before.perturbed === null ? 'No answer' : one.options[one.before.perturbed]],
};
const texts = new Map();
const textOf = (one) => {
  if (!texts.has(one)) texts.set(one, [one.id, one.task, one.condition, one.template, one.question, ...one.options, ...Object.values(one.clean), ...Object.values(one.perturbed)].join('\\n').toLowerCase());
  return texts.get(one);
};

/* What of a text was not there before is marked. */
const marked = (text, clean) => {
  if (text === '' || text === clean) return [text];
  const at = clean === '' ? -1 : text.indexOf(clean);
  if (at < 0) return [make('mark', {}, text)];
  const parts = [text.slice(0, at), text.slice(at + clean.length)].map((part) => part === '' ? '' : make('mark', {}, part));
  return [parts[0], clean, parts[1]];
};

const shot = (one, side) => {
  if (!one.hasPicture[side]) return make('p', { className: 'shot none' }, 'no picture');
  const at = one.pictures[side];
  if (at === null) return make('p', { className: 'shot none' }, 'the picture is not in this file');
  const image = make('img', { src: pictures[at], alt: side === 'clean' ? 'Picture without the perturbation' : 'Picture with the perturbation', loading: 'lazy' });
  image.addEventListener('load', () => image.classList.toggle('small', Math.max(image.naturalWidth, image.naturalHeight) <= smallSide));
  return make('span', { className: 'shot' }, image);
};

const said = (one, pair, side) => {
  const index = pair[side];
  if (index === null) return make('p', { className: 'said' }, 'Not answered: ' + (pair.why || 'no option was read'));
  const share = pair[side === 'clean' ? 'cleanShares' : 'perturbedShares'][index];
  const verdict = one.answer === null ? null : index === one.answer ? make('span', { className: 'badge pass' }, '\\u2713 right') : make('span', { className: 'badge fail' }, '\\u2715 wrong');
  return make('p', { className: 'said' }, make('strong', {}, option(one, index)), ' ' + percent(share) + ' ', verdict);
};

const sideOf = (one, side) => {
  const text = one[side], clean = side === 'clean';
  const part = (name) => text[name] === '' ? null : make('p', { className: 'beside' }, ...(clean ? [text[name]] : marked(text[name], one.clean[name])));
  const changed = !clean && one.hasPicture.perturbed && (one.pictures.clean !== one.pictures.perturbed || !one.hasPicture.clean);
  return make('div', { className: 'side' + (changed ? ' changed' : '') },
    make('h4', {}, clean ? 'Without the perturbation' : 'With it'), shot(one, side), changed ? make('p', { className: 'note' }, make('mark', {}, 'another picture')) : null,
    part('before'), make('p', { className: 'question' }, one.question), part('inside'), part('after'),
    trained ? make('p', { className: 'note' }, 'before training') : null, said(one, one.before, side),
    trained && one.after ? make('p', { className: 'note' }, 'after training') : null, trained && one.after ? said(one, one.after, side) : null);
};

const failingPair = (one) => one.before.failure || !one.after ? one.before : one.after;
const sharesOf = (one) => make('p', { className: 'note shares' }, 'Shares without the perturbation \\u2192 with it' + (trained ? failingPair(one) === one.before ? ', before training' : ', after training' : ''));
const optionsOf = (one) => make('ol', { className: 'options' }, ...one.options.map((text, i) => {
  const tag = (when, name, kind) => when ? make('span', { className: 'tag ' + kind }, name) : null;
  const pair = failingPair(one), shares = [pair.cleanShares[i], pair.perturbedShares[i]];
  const moved = shares[0] === undefined || shares[1] === undefined ? null : make('span', { className: 'shares' }, percent(shares[0]) + ' \\u2192 ' + percent(shares[1]));
  return make('li', { className: i === one.answer ? 'right' : '' }, make('span', { className: 'letter' }, one.letters[i]), make('span', {}, text),
    make('span', { className: 'tags' }, tag(i === one.answer, 'right', 'right'), tag(i === one.hinted, 'pointed to', 'hint'), moved));
}));

const headOf = (one) => [make('h3', {}, one.condition), make('p', { className: 'note' }, [one.task && 'task ' + one.task, 'sample ' + one.id, one.template].filter(Boolean).join(' \\u00b7 '))];
const card = (one, i) => {
  const button = make('button', { type: 'button', className: 'open' }, 'Enlarge');
  button.setAttribute('aria-label', 'Enlarge ' + one.condition + ', sample ' + one.id);
  const article = make('article', { className: 'card case' }, ...headOf(one), make('div', { className: 'pair' }, sideOf(one, 'clean'), sideOf(one, 'perturbed')), sharesOf(one), optionsOf(one), button);
  button.addEventListener('click', () => view(i));
  for (const picture of article.querySelectorAll('span.shot')) picture.addEventListener('click', () => view(i));
  return article;
};

const draw = (from) => {
  if (from === 0) list.replaceChildren();
  list.append(...found.slice(from, shown).map((one, i) => card(one, from + i)));
  const left = Math.max(0, found.length - shown);
  more.hidden = left === 0;
  more.textContent = 'Show ' + Math.min(page, left) + ' more of ' + left;
  count.textContent = found.length === cases.length ? cases.length + ' cases' : found.length + ' of ' + cases.length + ' cases';
};
const filter = () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const wanted = selects.filter(({ value }) => value !== '');
  found = cases.filter((one) => wanted.every(({ name, value }) => fields[name](one).includes(value)) && words.every((word) => textOf(one).includes(word)));
  shown = page;
  draw(0);
};

const resize = (by) => {
  zoom = Math.min(8, Math.max(1, zoom * by));
  stage.classList.toggle('zoomed', zoom > 1);
  for (const image of stage.querySelectorAll('.shot img')) image.style.width = zoom * 100 + '%';
};
const view = (i) => {
  if (i < 0 || i >= found.length) return;
  open = i;
  zoom = 1;
  stage.classList.remove('zoomed');
  const one = found[i];
  stage.replaceChildren(...headOf(one), make('div', { className: 'pair' }, sideOf(one, 'clean'), sideOf(one, 'perturbed')), sharesOf(one), optionsOf(one));
  for (const picture of stage.querySelectorAll('span.shot')) picture.addEventListener('click', () => resize(zoom < 4 ? 2 : 1 / zoom));
  place.textContent = (i + 1) + ' of ' + found.length;
  if (!viewer.open) viewer.showModal();
  stage.scrollTop = 0;
};
const keys = { ArrowLeft: () => view(open - 1), ArrowRight: () => view(open + 1), '+': () => resize(2), '=': () => resize(2), '-': () => resize(0.5) };
viewer.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
const actions = { back: () => view(open - 1), next: () => view(open + 1), larger: () => resize(2), smaller: () => resize(0.5), close: () => viewer.close() };
for (const button of viewer.querySelectorAll('button')) button.addEventListener('click', actions[button.value]);

const most = 200;
for (const select of selects) {
  const counts = new Map();
  for (const one of cases) for (const value of fields[select.name](one)) if (value) counts.set(value, (counts.get(value) || 0) + 1);
  const values = [...counts].sort((a, b) => b[1] - a[1]).slice(0, most);
  for (const [value, n] of values) select.append(make('option', { value }, value + ' (' + n + ')'));
  select.parentElement.hidden = counts.size < 2;
  select.addEventListener('change', filter);
}
search.addEventListener('input', filter);
more.addEventListener('click', () => { const from = shown; shown += page; draw(from); });
byId('case-filters').addEventListener('submit', (event) => event.preventDefault());
byId('case-static').remove();
byId('case-browser').hidden = false;
draw(0);
})();
`;
