/** Names of the ten classes of Fashion-MNIST in the order of its labels, as single words. */
export const clothing: readonly string[] = [
  'tshirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'boot',
];
export const clothingCategory = 'clothing';

/** Category word -> lexicographer file of WordNet. */
export const categories: Readonly<Record<string, string>> = {
  animal: 'noun.animal',
  plant: 'noun.plant',
  food: 'noun.food',
  body: 'noun.body',
  person: 'noun.person',
  place: 'noun.location',
  substance: 'noun.substance',
  artifact: 'noun.artifact',
  feeling: 'noun.feeling',
  act: 'noun.act',
};

export const letters: readonly string[] = ['A', 'B', 'C', 'D'];

/** The corners of a 2x2 grid, row by row. */
export const corners: readonly string[] = ['top left', 'top right', 'bottom left', 'bottom right'];

export const itemQuestion = 'which item is in the picture ?';
export const cornerQuestion = (corner: number): string => `which item is at the ${corners[corner]} ?`;
export const categoryQuestion = (category: string): string => `which of these is a ${category} ?`;

/** Beginnings of captions that the model completes with the class. */
export const captionStarts: readonly string[] = [
  'photo of a',
  'caption :',
  'i think this is a',
  'the picture seems to depict a',
];

/** The beginning of a statement that the model completes with the category. */
export const factStart = (noun: string): string => `fact : ${noun} is a`;

/** Text beside a question, by where it stands: before the question, between it and its options, after the options. */
export interface Beside {
  before: string;
  inside: string;
  after: string;
}
export const nothingBeside: Beside = { before: '', inside: '', after: '' };

/** The prompt of a multiple-choice question; the answer is the letter that follows. */
export function questionPrompt(
  question: string,
  options: readonly string[],
  { after, before, inside }: Beside = nothingBeside,
): string {
  const listed = options.map((option, i) => `${letters[i]}: ${option}`).join(' ');
  return [before, 'question:', question, inside, 'option:', listed, after, 'answer:']
    .filter((part) => part !== '')
    .join(' ');
}
