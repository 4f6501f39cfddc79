/** Tokens that are no words: padding, unknown word, image slot. */
export const specialTokens = { pad: '<pad>', unknown: '<unk>', image: '<image>' } as const;
