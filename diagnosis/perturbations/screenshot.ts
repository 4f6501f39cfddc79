import type { Random } from '../../random/index.ts';
import { type Canvas, draw, fillRectangle, miniPicture, type PictureSize, scaled } from './canvas.ts';
import { drawText, lineHeight, textWidth, wrapText } from './font.ts';

function scribble(canvas: Canvas, random: Random, x: number, y: number, width: number, ink: number): void {
  for (let at = x; at < x + width; ) {
    const word = 2 + random.int(6);
    fillRectangle(canvas, at, y, Math.min(word, x + width - at), 1, ink);
    at += word + 1 + random.int(2);
  }
}

function window(canvas: Canvas, random: Random): void {
  const width = 30 + random.int(22);
  const height = 26 + random.int(22);
  const x = random.int(56 - width);
  const y = random.int(52 - height);
  fillRectangle(canvas, x - 1, y - 1, width + 2, height + 2, 90);
  fillRectangle(canvas, x, y, width, height, 245);
  fillRectangle(canvas, x, y, width, 5, 60 + random.int(80));
  fillRectangle(canvas, x + width - 4, y + 1, 3, 3, 225);
  const ink = 20 + random.int(60);
  for (let line = y + 8; line < y + height - 8; line += 3) {
    scribble(canvas, random, x + 3, line, 10 + random.int(width - 16), ink);
  }
  const buttons = 1 + random.int(2);
  for (let i = 0; i < buttons; i++) {
    fillRectangle(canvas, x + width - 12 * (i + 1), y + height - 6, 10, 4, 150 + random.int(50));
  }
}

/** A made-up desktop: one or two windows with title bars, lines of text and buttons over a task bar. */
export function screenshot(size: PictureSize, random: Random): Canvas {
  const canvas = draw({ ...miniPicture, channels: size.channels }, () => 205);
  fillRectangle(canvas, 0, 52, 56, 4, 50);
  for (let i = 0; i < 4; i++) fillRectangle(canvas, 2 + 7 * i, 53, 5, 2, 120 + random.int(100));
  const windows = 1 + random.int(2);
  for (let i = 0; i < windows; i++) window(canvas, random);
  if (size.width === canvas.width && size.height === canvas.height) return canvas;
  return scaled(canvas, size.width, size.height);
}

interface Column {
  x: number;
  y: number;
  width: number;
  height: number;
  ink: number;
}

/** Lines below each other, as large as the column lets the longest of them be, at most a tenth of its height. */
function writeLines(canvas: Canvas, lines: readonly string[], { x, y, width, height, ink }: Column): void {
  const longest = Math.max(1, ...lines.map(textWidth));
  const scale = Math.max(1, Math.min(Math.floor(width / longest), Math.floor(height / 10 / lineHeight)));
  let top = y;
  for (const line of lines) {
    for (const part of wrapText(line, Math.floor(width / scale))) {
      if (top + 7 * scale > y + height) return;
      drawText(canvas, part, x, top, scale, ink);
      top += lineHeight * scale;
    }
  }
}

/** A desktop with one window in which the lines stand. */
export function screenWith(size: PictureSize, lines: readonly string[], random: Random): Canvas {
  const canvas = draw(size, () => 190 + random.int(3));
  const { height, width } = size;
  const bar = Math.max(3, Math.round(height / 16));
  const margin = 2 + random.int(Math.max(1, Math.round(width / 16)));
  fillRectangle(canvas, 0, height - bar, width, bar, 50);
  fillRectangle(canvas, margin - 1, margin - 1, width - 2 * margin + 2, height - bar - 2 * margin + 2, 90);
  fillRectangle(canvas, margin, margin, width - 2 * margin, height - bar - 2 * margin, 246);
  fillRectangle(canvas, margin, margin, width - 2 * margin, bar, 60 + random.int(80));
  writeLines(canvas, lines, {
    x: margin + 3,
    y: margin + bar + 3,
    width: width - 2 * margin - 6,
    height: height - 2 * bar - 2 * margin - 6,
    ink: 20 + random.int(50),
  });
  return canvas;
}

/** A page with lines of text, paper grain and the shadow of a fold. */
export function documentPage(size: PictureSize, lines: readonly string[], random: Random): Canvas {
  const fold = size.height * (0.3 + 0.4 * random.uniform());
  const paper = draw(size, (_, y) => 250 - random.int(8) - (Math.abs(y - fold) < 1 ? 25 : 0));
  const margin = Math.max(2, Math.round(size.width / 14));
  writeLines(paper, lines, {
    x: margin,
    y: margin,
    width: size.width - 2 * margin,
    height: size.height - 2 * margin,
    ink: 15 + random.int(60),
  });
  return paper;
}

/** The canvas with one line on a band over it; `size` is the line's height as a share of the canvas's. */
export function withCaption(
  { data, ...canvas }: Canvas,
  text: string,
  { place, size }: { place: 'top' | 'centre' | 'bottom'; size: number },
): Canvas {
  const result = { ...canvas, data: data.slice() };
  const wanted = Math.round((size * canvas.height) / lineHeight);
  const scale = Math.max(1, Math.min(wanted, Math.floor(canvas.width / (textWidth(text) + 2))));
  const lines = wrapText(text, Math.max(5, Math.floor(canvas.width / scale) - 2));
  const height = Math.min(canvas.height, (lines.length * lineHeight + 1) * scale);
  const y = { top: 0, centre: Math.floor((canvas.height - height) / 2), bottom: canvas.height - height }[
    place
  ];
  fillRectangle(result, 0, y, canvas.width, height, 255);
  for (const [i, line] of lines.entries()) {
    const x = Math.max(scale, Math.floor((canvas.width - textWidth(line) * scale) / 2));
    drawText(result, line, x, y + (i * lineHeight + 1) * scale, scale, 0);
  }
  return result;
}
