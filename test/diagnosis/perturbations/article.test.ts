import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imagenetNamesFile } from '../../../data/folder.ts';
import { withArticle } from '../../../diagnosis/perturbations/article.ts';

/** By kind: the option, then how it stands in a sentence. */
const cases: Record<string, [string, string][]> = {
  'countable nouns': [
    ['boot', 'a boot'],
    ['tshirt', 'a tshirt'],
    ['trouser', 'a trouser'],
    ['bag', 'a bag'],
    ['ankle boot', 'an ankle boot'],
    ['cup of tea', 'a cup of tea'],
    ['pair of boots', 'a pair of boots'],
    ['car with dents', 'a car with dents'],
    ['running shoe', 'a running shoe'],
    ['can opener', 'a can opener'],
    ['milk can', 'a milk can'],
    ['hen-of-the-woods', 'a hen-of-the-woods'],
    ['lens', 'a lens'],
    ['bus', 'a bus'],
    ['glass', 'a glass'],
    ['hippopotamus', 'a hippopotamus'],
    ['knife and fork', 'a knife and fork'],
    ['red car', 'a red car'],
    ['missing screw', 'a missing screw'],
    ['St. Bernard', 'a St. Bernard'],
    ['T-shirt/top', 'a T-shirt/top'],
    ['apple_pie', 'an apple_pie'],
  ],
  'the sound decides': [
    ['apple', 'an apple'],
    ['umbrella', 'an umbrella'],
    ['unopened bottle', 'an unopened bottle'],
    ['unicycle', 'a unicycle'],
    ['uniform', 'a uniform'],
    ['USB cable', 'a USB cable'],
    ['user manual', 'a user manual'],
    ['European fire salamander', 'a European fire salamander'],
    ['hourglass', 'an hourglass'],
    ['house', 'a house'],
    ['MRI scan', 'an MRI scan'],
    ['SIM card', 'a SIM card'],
    ['CD player', 'a CD player'],
    ['LED lamp', 'an LED lamp'],
    ['X-ray', 'an X-ray'],
    ['U-boat', 'a U-boat'],
    ['18-wheeler', 'an 18-wheeler'],
    ['3D printer', 'a 3D printer'],
    ['one-way street', 'a one-way street'],
    ['iPod', 'an iPod'],
  ],
  plurals: [
    ['trousers', 'trousers'],
    ['boots', 'boots'],
    ['swimming trunks', 'swimming trunks'],
    ['sunglasses', 'sunglasses'],
    ['people', 'people'],
    ['children', 'children'],
    ['policemen', 'policemen'],
    ['feet', 'feet'],
    ['french fries', 'french fries'],
    ['tacos', 'tacos'],
    ['skis', 'skis'],
    ['scratches', 'scratches'],
    ['bicycles', 'bicycles'],
    ['cats and dogs', 'cats and dogs'],
  ],
  'negative and determined classes': [
    ['no defect', 'no defect'],
    ['none of these', 'none of these'],
    ['none of the above', 'none of the above'],
    ['nothing', 'nothing'],
    ['nothing is visible', '“nothing is visible”'],
    ['the moon', 'the moon'],
    ['two cats', 'two cats'],
    ['a boot', 'a boot'],
    ['not a defect', 'not a defect'],
    ['my neighbour', 'my neighbour'],
  ],
  'mass nouns': [
    ['rust', 'rust'],
    ['surface rust', 'surface rust'],
    ['water', 'water'],
    ['ice cream', 'ice cream'],
    ['fried rice', 'fried rice'],
    ['garlic bread', 'garlic bread'],
    ['guacamole', 'guacamole'],
    ['macaroni and cheese', 'macaroni and cheese'],
    ['damaged furniture', 'damaged furniture'],
    ['tennis', 'tennis'],
    ['pneumonia', 'pneumonia'],
  ],
  defects: [
    ['dent', 'a dent'],
    ['crack', 'a crack'],
    ['oil leak', 'an oil leak'],
    ['corrosion', 'corrosion'],
    ['flaking', 'flaking'],
    ['scratched', '“scratched”'],
    ['defective', '“defective”'],
    ['good', '“good”'],
    ['OK', '“OK”'],
    ['unknown', '“unknown”'],
  ],
  food: [
    ['apple pie', 'an apple pie'],
    ['caesar salad', 'a caesar salad'],
    ['baby back ribs', 'baby back ribs'],
    ['egg', 'an egg'],
    ['sushi', 'sushi'],
    ['pad thai', 'pad thai'],
    ['waffles', 'waffles'],
    ['hot dog', 'a hot dog'],
  ],
  'answers and colours': [
    ['yes', '“yes”'],
    ['no', '“no”'],
    ['No', '“No”'],
    ['true', '“true”'],
    ['red', '“red”'],
    ['black and white', '“black and white”'],
    ['left', '“left”'],
  ],
  'names and numbers': [
    ['Paris', 'Paris'],
    ['Mona Lisa', 'Mona Lisa'],
    ['Toyota Corolla', 'Toyota Corolla'],
    ['NASA', 'NASA'],
    ['H2O', 'H2O'],
    ['42', '42'],
    ['3.5', '3.5'],
    ['$5', '$5'],
    ['10 %', '10 %'],
    ['3 pm', '3 pm'],
    ['2 cats', '2 cats'],
    ['A', 'A'],
    ['German shepherd', 'a German shepherd'],
    ['Siamese cat', 'a Siamese cat'],
    ['Granny Smith', 'a Granny Smith'],
  ],
  'sentences and clauses': [
    ['It rains.', '“It rains.”'],
    ['the sun is a star', '“the sun is a star”'],
    ['plants need water to grow', '“plants need water to grow”'],
    ['by the river', '“by the river”'],
    ['to keep it warm', '“to keep it warm”'],
    ['cat, dog', '“cat, dog”'],
    ['“boot”', '“boot”'],
    ['playing guitar', 'playing guitar'],
  ],
  'other scripts': [
    ['ブーツ', 'ブーツ'],
    ['傷なし', '傷なし'],
    ['傷があります。', '「傷があります。」'],
    ['靴', '靴'],
    ['собака', 'собака'],
  ],
};

describe.each(Object.entries(cases))('an option in a sentence: %s', (_, options) => {
  it.each(options)('%s stands as %s', (option, written) => {
    expect(withArticle(option)).toBe(written);
  });
});

describe('labels that all begin with a capital letter', () => {
  it('are written small, but for names', () => {
    const labels = ['T-shirt', 'Ankle boot', 'Bag', 'Paris', 'Trousers', 'German shepherd'];
    expect(labels.map((label) => withArticle(label, labels))).toEqual([
      'a T-shirt',
      'an ankle boot',
      'a bag',
      'Paris',
      'trousers',
      'a German shepherd',
    ]);
  });

  it('keep a capital letter that the others do not have', () => {
    expect(withArticle('Bag', ['Bag', 'coat'])).toBe('a Bag');
  });
});

describe('names of ImageNet', () => {
  const names = readFileSync(imagenetNamesFile(), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t')[1]!.trim());

  it('stand with the article, but for plurals, mass nouns and adjectives', () => {
    const without = names.filter((name) => !/^an? /.test(withArticle(name, names)));
    expect(without).toEqual([
      'binoculars',
      'brass',
      'chain mail',
      'parallel bars',
      'safe',
      'sunglasses',
      'swimming trunks',
      'upright',
      'velvet',
      'wool',
      'guacamole',
      'consomme',
      'ice cream',
      'broccoli',
      'hay',
      'carbonara',
      'dough',
      'red wine',
      'eggnog',
      'corn',
      'toilet tissue',
    ]);
  });

  it('never have "a" before a vowel but where "you" is heard', () => {
    const odd = names.map((name) => withArticle(name, names)).filter((name) => /^a [aeiou]/i.test(name));
    expect(odd).toEqual(['a European fire salamander', 'a European gallinule', 'a unicycle']);
  });
});
