import { basename, dirname } from 'node:path';

/** What Hive and Spark write for nothing. */
const nothing = '__HIVE_DEFAULT_PARTITION__';

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The values of a file's partition: its folders called key=value, from the file upwards. */
export function partitionsOf(path: string): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(basename(folder)) ?? [];
    if (key === undefined || value === undefined) return found;
    found[key] = value === nothing ? null : decoded(value);
  }
}
