/** Readers' own decoders drop a byte order mark at the start and pass over bytes that are no UTF-8; this one does neither. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** @throws TypeError for bytes that are no UTF-8 */
export const decodeText = (bytes: Uint8Array): string => utf8.decode(bytes);
