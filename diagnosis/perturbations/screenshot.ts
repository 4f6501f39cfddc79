import type { Random } from '../../random/index.ts';
import { type Canvas, draw, fillRectangle } from './canvas.ts';

function textLine(canvas: Canvas, random: Random, x: number, y: number, width: number, ink: number): void {
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
    textLine(canvas, random, x + 3, line, 10 + random.int(width - 16), ink);
  }
  const buttons = 1 + random.int(2);
  for (let i = 0; i < buttons; i++) {
    fillRectangle(canvas, x + width - 12 * (i + 1), y + height - 6, 10, 4, 150 + random.int(50));
  }
}

/** A made-up desktop: one or two windows with title bars, lines of text and buttons over a task bar. */
export function screenshot(random: Random): Canvas {
  const canvas = draw(() => 205);
  fillRectangle(canvas, 0, 52, 56, 4, 50);
  for (let i = 0; i < 4; i++) fillRectangle(canvas, 2 + 7 * i, 53, 5, 2, 120 + random.int(100));
  const windows = 1 + random.int(2);
  for (let i = 0; i < windows; i++) window(canvas, random);
  return canvas;
}
