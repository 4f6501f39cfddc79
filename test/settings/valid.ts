import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataFolder, scenarioFolder } from '../../data/folder.ts';
import { shippedPacks } from '../../ingest/index.ts';

/** Files as a careful person writes them; every key occurs. */
export const taskFiles = [
  `tasks:
  - name: surface-inspection
    description: scratches on parts
    decides: image
    metric: accuracy
    errorCost: 40
    decisionsPerMonth: 9000
    owner: quality@plant.example
    scenarios: [work-orders]
    match: { line: "7" }
  - { name: manuals, decides: text, metric: change_rate, owner: support }
  - name: forms
    decides: both
    owner: &owner office
    description: *owner
`,
];

export const table = `id,question,a,b,c,answer,order,line,kind
1,which ?,cat,dog,ship,A,W-1,7,text
2,which ?,cat,dog,ship,B,W-2,8,text
3,,cat,dog,ship,C,,7,image
4,which ?,cat,cat,ship,Z,W-4,,both
`;

export const mappings = [
  `id: id
question: question
options: [a, b, c]
answer: answer
answerForm: letter
source: order
split: test
decides: text
fields: [order, line]
`,
  `ask: Which of these?
choices: [cat, dog, ship]
answer: null
context: order
decides: { column: kind }
split: { column: line }
separator: ";"
`,
];

export const gateFiles = [
  `gates:
  - name: misleading text
    condition: image_heavy/misleading_text
    figure: drop
    atMost: 0.05
  - name: nothing moves it
    condition: image_heavy/*
    figure: changeRate
    atMost: 0.1
    confidence: 0.9
    minimumSamples: 50
  - { name: followed, condition: image_heavy/misleading_text, figure: followed, atMost: 0.5 }
  - { name: worst, condition: image_heavy, figure: worst, atLeast: 0.5, onNotEnoughData: fail }
  - { name: calibration, condition: '*', figure: ece, atMost: 0.4 }
`,
  'gates: [{ name: attack, condition: image_heavy/pgd, figure: attackAccuracy, eps: 0.01, atLeast: 0.6 }]\n',
];

export const prices = await readFile(join(dataFolder(), 'prices.example.yaml'), 'utf8');

const shipped = (await shippedPacks()).filter((name) => name !== 'corruptions');
const texts = await Promise.all(
  shipped.map((name) => readFile(join(scenarioFolder(), `${name}.yaml`), 'utf8')),
);
/** The packs that come along, under a name of one's own. */
export const packs = texts.map((text) => text.replace(/^name: .*/m, 'name: our-own'));

/** What `diagnose --json` prints, as far as an estimate reads it. */
export const diagnosis = {
  figures: Object.fromEntries(
    [
      ['image_heavy/origin', 0.9],
      ['image_heavy/misleading_text', 0.5],
      ['text_heavy/origin', 0.95],
      ['text_heavy/switch', 0.9],
    ].map(([name, accuracy]) => [
      name,
      { accuracy, ci95: [Number(accuracy) - 0.03, Number(accuracy) + 0.03], changeRate: 0.2, n: 400 },
    ]),
  ),
};
