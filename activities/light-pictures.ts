import { thumbnail } from '../pictures/index.ts';
import type { Showcase, TalkedOut } from '../schemas/report.ts';

/** Longer data URIs are made smaller. */
const long = 100_000;

/** A picture of a report, as a small WebP where it is large; null: none, or one that cannot be decoded. */
async function light(uri: string | null): Promise<string | null> {
  if (uri === null || uri.length <= long) return uri;
  const bytes = await thumbnail(Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64'));
  return bytes && `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`;
}

/** Examples with pictures that a report can carry. */
export function lightExamples(examples: readonly TalkedOut[]): Promise<TalkedOut[]> {
  return Promise.all(examples.map(async (one) => ({ ...one, image: await light(one.image) })));
}

/** The same for the case to begin with. */
export async function lightShowcase(found: Showcase | null): Promise<{ showcase?: Showcase }> {
  if (!found) return {};
  const example = { ...found.example, image: await light(found.example.image) };
  return { showcase: { ...found, example, cleanImage: await light(found.cleanImage) } };
}
