/** The real tokens of a model: those that stand for text by themselves. */
export interface Words {
  /** Ids in rising order; no special tokens, nothing blank, no parts of a character. */
  readonly ids: readonly number[];
  /** Embeddings [ids, width] of tokens. */
  embeddings(ids: readonly number[]): Promise<Float32Array>;
  /** The text of tokens; null where the model reads it, at the head of a question, as other tokens. */
  spell(ids: readonly number[]): string | null;
}

/** Whether a token's text is something to read: letters, digits or signs, and no part of a character. */
export function isReadable(text: string): boolean {
  return /\S/u.test(text) && !/[\p{C}\ufffd]/u.test(text);
}

/** Where `part` first stands in `ids`, between `from` and `to`; -1: nowhere. */
export function placeOf(
  part: readonly number[],
  ids: ArrayLike<number | bigint>,
  from = 0,
  to = ids.length,
): number {
  for (let at = from; at + part.length <= to; at++) {
    if (part.every((id, i) => Number(ids[at + i]) === id)) return at;
  }
  return -1;
}
