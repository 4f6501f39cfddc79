import { ArtifactRef } from '../schemas/artifact.ts';

/** A Temporal payload: JSON as base64, beside its encoding. */
function payloadText(value: Record<string, unknown>): string | undefined {
  const { metadata, data } = value as { metadata?: { encoding?: unknown }; data?: unknown };
  if (typeof data !== 'string' || typeof metadata?.encoding !== 'string') return undefined;
  const encoding = Buffer.from(metadata.encoding, 'base64').toString('latin1');
  return encoding.startsWith('json/') ? Buffer.from(data, 'base64').toString('utf8') : undefined;
}

/**
 * Every artifact reference in a JSON value, at any depth, with its place (`$.a[0].b`). Looks into the payloads of
 * Temporal histories as well.
 */
export function* findReferences(value: unknown, place = '$'): Generator<{ ref: ArtifactRef; place: string }> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* findReferences(item, `${place}[${i}]`);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const ref = ArtifactRef.safeParse(value);
  if (ref.success) {
    yield { ref: ref.data, place };
    return;
  }
  const text = payloadText(value as Record<string, unknown>);
  if (text !== undefined) {
    let inner: unknown;
    try {
      inner = JSON.parse(text);
    } catch {
      return;
    }
    yield* findReferences(inner, `${place}.data`);
    return;
  }
  for (const [key, item] of Object.entries(value)) yield* findReferences(item, `${place}.${key}`);
}
