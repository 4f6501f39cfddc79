import { type Canvas, fillRectangle } from './canvas.ts';

/** Seven rows of five pixels, each row a digit in base 32, its highest bit on the left. */
const glyphs: Readonly<Record<string, string>> = {
  A: 'EHHVHHH',
  B: 'UHHUHHU',
  C: 'EHGGGHE',
  D: 'UHHHHHU',
  E: 'VGGUGGV',
  F: 'VGGUGGG',
  G: 'EHGNHHF',
  H: 'HHHVHHH',
  I: 'E44444E',
  J: '72222IC',
  K: 'HIKOKIH',
  L: 'GGGGGGV',
  M: 'HRLLHHH',
  N: 'HPPLJJH',
  O: 'EHHHHHE',
  P: 'UHHUGGG',
  Q: 'EHHHLID',
  R: 'UHHUKIH',
  S: 'FGGE11U',
  T: 'V444444',
  U: 'HHHHHHE',
  V: 'HHHHHA4',
  W: 'HHHLLLA',
  X: 'HHA4AHH',
  Y: 'HHA4444',
  Z: 'V1248GV',
  0: 'EHJLPHE',
  1: '4C4444E',
  2: 'EH1248V',
  3: 'V2421HE',
  4: '26AIV22',
  5: 'VGU11HE',
  6: '68GUHHE',
  7: 'V124888',
  8: 'EHHEHHE',
  9: 'EHHF12C',
  ' ': '0000000',
  '.': '00000CC',
  ',': '0000C48',
  ':': '0CC0CC0',
  ';': '0CC0C48',
  '!': '4444404',
  '?': 'EH12404',
  '-': '000V000',
  '+': '044V440',
  '=': '00V0V00',
  '/': '01248G0',
  '(': '2488842',
  ')': '8422248',
  '[': 'E88888E',
  ']': 'E22222E',
  '<': '248G842',
  '>': '8421248',
  '%': 'OP248J3',
  '#': 'AAVAVAA',
  $: '4FKE5U4',
  '&': 'CIK8LID',
  "'": '4480000',
  '"': 'AAA0000',
  '*': '0LEVEL0',
  _: '000000V',
  '@': 'EH1DLLE',
};
/** Stands for a character that is not there. */
const box = 'VHHHHHV';

/** Pixels of a character and of the gap behind it. */
const advance = 6;
export const lineHeight = 9;

/** Capital letters without accents: a picture's text is the same on every machine, whatever fonts it has. */
function charactersOf(text: string): string[] {
  return [
    ...text
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .toUpperCase(),
  ];
}

/** Pixels that a line takes at a scale of 1. */
export function textWidth(text: string): number {
  return Math.max(0, charactersOf(text).length * advance - 1);
}

/** Writes a line with its top left corner at (x, y), `scale` pixels a dot; what does not fit is cut off. */
export function drawText(
  canvas: Canvas,
  text: string,
  x: number,
  y: number,
  scale: number,
  ink: number,
): void {
  for (const [i, character] of charactersOf(text).entries()) {
    const left = x + i * advance * scale;
    if (left >= canvas.width) return;
    for (const [row, digit] of [...(glyphs[character] ?? box)].entries()) {
      const bits = Number.parseInt(digit, 32);
      for (let column = 0; column < 5; column++) {
        if (bits & (16 >> column)) {
          fillRectangle(canvas, left + column * scale, y + row * scale, scale, scale, ink);
        }
      }
    }
  }
}

/** Words broken into lines of at most `width` pixels at a scale of 1; a longer word is a line of its own. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
