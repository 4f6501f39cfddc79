import type { PerturbedSample } from '../../schemas/benchmark.ts';

/**
 * Questions that are asked of every served model alike, to see whether it is still the same one. Most have no right answer: where
 * models know the answer they agree, and tell nothing.
 */
const questions: readonly (readonly [question: string, ...options: string[]])[] = [
  ['Which word would you put first in a list?', 'river', 'lantern', 'copper', 'meadow'],
  ['Which of these numbers is the most surprising?', '17', '40', '86', '311'],
  ['Which colour suits the word "Tuesday"?', 'green', 'violet', 'brown', 'yellow'],
  ['A door opens by itself. What is behind it?', 'a garden', 'a staircase', 'a wall', 'a letter'],
  ['Which town lies farther north?', 'Vienna', 'Seattle', 'Sapporo', 'Bern'],
  ['Which name fits a slow ship?', 'Patience', 'Comet', 'Margaret', 'Boulder'],
  ['Which of these is closest to a chair?', 'a stool', 'a saddle', 'a shelf', 'a sledge'],
  ['How many words does a short letter have?', '20', '50', '90', '150'],
  ['Which of these would be missed first?', 'salt', 'string', 'soap', 'paper'],
  ['What does a traveller take along on a rainy day?', 'a coat', 'a book', 'a hat', 'a friend'],
  ['Which sentence is the calmest?', 'It rains.', 'Nobody called.', 'The tea is warm.', 'We waited.'],
  ['Which tool comes first when building a bridge?', 'a rope', 'a saw', 'a pencil', 'a level'],
  ['Which element was found last?', 'helium', 'radium', 'neon', 'argon'],
  ['Which sound is the loudest?', 'a bell', 'a crowd', 'thunder', 'a train'],
  ['Which of these changes most within a year?', 'a field', 'a child', 'a coast', 'a price'],
  ['What is 37 times 43?', '1,491', '1,591', '1,611', '1,581'],
  ['Which shape would you draw without lifting the pen?', 'a star', 'a spiral', 'an eight', 'a house'],
  ['Which month feels the longest?', 'January', 'March', 'July', 'November'],
  ['Which of these do people forget most often?', 'names', 'keys', 'dates', 'dreams'],
  ['Which letter is the most useful?', 'e', 's', 't', 'n'],
];

export const canary: readonly PerturbedSample[] = questions.map(([question, ...options], i) => ({
  id: `canary-${i}`,
  taskKind: 'text_heavy',
  split: 'test',
  question,
  options,
  answer: null,
  context: null,
  image: null,
  source: `canary-${i}`,
  perturbation: 'origin',
  variant: '',
  hinted: null,
}));
