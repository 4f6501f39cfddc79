import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { isPointer, pointerAdvice } from '../../store/index.ts';
import type { RawRow } from '../raw.ts';
import { startOf } from './files.ts';

/** Files of Hugging Face datasets: what `map` has computed, and which rows are chosen. */
export const isArrowCache = (name: string) => /^(?:cache|indices|tmp).*\.arrow$/i.test(name);

/** Loaded on demand: most data are in other files. */
const library = () => import('apache-arrow');
type Arrow = Awaited<ReturnType<typeof library>>;

const parquetAdvice = 'write it as Parquet: datasets.load_from_disk(folder).to_parquet("data.parquet")';

/** @throws GuardError BadInput where the folder's state says that other files choose its rows */
async function checkState(file: string): Promise<void> {
  const text = await readFile(join(dirname(file), 'state.json'), 'utf8').catch(() => '{}');
  if (!/"_indices_data_files"\s*:\s*\[\s*\{/.test(text)) return;
  const what = `${file}: state.json says that other files choose its rows, which are not read; ${parquetAdvice}`;
  throw new GuardError(ErrorCode.BadInput, what);
}

/** Batches as they lie in the file, a stream of Arrow IPC (as datasets save them) or a file. */
async function* batchesOf(file: string): AsyncGenerator<{ batch: RecordBatch; arrow: Arrow }> {
  if (isPointer(await startOf(file))) throw new GuardError(ErrorCode.BadInput, `${file}: ${pointerAdvice}`);
  await checkState(file);
  const arrow = await library();
  const stream = createReadStream(file);
  try {
    const reader = await arrow.RecordBatchReader.from(stream);
    await reader.open();
    for await (const batch of reader) yield { batch, arrow };
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    const what = `cannot be read as Arrow (${(cause as Error).message}); ${parquetAdvice}`;
    throw new GuardError(ErrorCode.BadInput, `${file}: ${what}`, { cause });
  } finally {
    stream.destroy();
  }
}

type Type = Schema['fields'][number]['type'];

/** A cell as JavaScript has it: whole numbers beyond 2^53 as bigint, points in time as ISO texts in UTC. */
function plain(value: unknown, type: Type, arrow: Arrow): unknown {
  const { DataType } = arrow;
  if (value === null || value === undefined) return null;
  if (DataType.isDictionary(type)) return plain(value, type.dictionary, arrow);
  if (DataType.isTimestamp(type) || DataType.isDate(type)) return new Date(Number(value)).toISOString();
  if (DataType.isDecimal(type)) return decimal(value as Uint32Array, type.scale);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (DataType.isList(type) || DataType.isFixedSizeList(type))
    return Array.from(value as Iterable<unknown>, (one) => plain(one, type.children[0]!.type, arrow));
  if (DataType.isStruct(type)) {
    const row = value as Record<string, unknown>;
    return Object.fromEntries(
      type.children.map(({ name, type: inner }) => [name, plain(row[name], inner, arrow)]),
    );
  }
  return value;
}

/** 128 or 256 bits in words of 32, the lowest first. */
function decimal(words: Uint32Array, scale: number): number {
  const bits = BigInt(32 * words.length);
  const whole = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return Number(BigInt.asIntN(Number(bits), whole)) / 10 ** scale;
}

/** Whether a column holds bytes, in itself or in a struct. */
const hasBytes = (type: Type, { DataType }: Arrow): boolean =>
  DataType.isBinary(type) ||
  DataType.isLargeBinary(type) ||
  (type.children ?? []).some((child: { type: Type }) => hasBytes(child.type, { DataType } as Arrow));

/** Rows of an Arrow file, a batch at a time. `pictures: false` leaves out columns of bytes. @throws GuardError BadInput naming the file */
export async function* arrowRows(file: string, { pictures = true } = {}): AsyncGenerator<RawRow> {
  let row = 0;
  for await (const { arrow, batch } of batchesOf(file)) {
    const columns = batch.schema.fields
      .map(({ name, type }, i) => ({ name, type, cells: batch.getChildAt(i) }))
      .filter(({ type }) => pictures || !hasBytes(type, arrow));
    for (let i = 0; i < batch.numRows; i++) {
      const cells = columns.map(({ cells, name, type }) => [name, plain(cells?.get(i), type, arrow)]);
      yield { file, row: row++, values: Object.fromEntries(cells) };
    }
  }
}

async function schemaOf(file: string): Promise<Schema | undefined> {
  for await (const { batch } of batchesOf(file)) return batch.schema;
  return undefined;
}

/** Names of the file's columns, those of structs also as "column.field". @throws GuardError BadInput naming the file */
export async function arrowColumns(file: string): Promise<string[]> {
  const fields = (await schemaOf(file))?.fields ?? [];
  return fields.flatMap(({ name, type }) => {
    const inner: { name: string }[] = type.children ?? [];
    return [name, ...inner.map((child) => `${name}.${child.name}`)];
  });
}

/** What datasets say of the columns, as JSON; undefined: nothing. */
export async function arrowFeatures(file: string): Promise<string | undefined> {
  return (await schemaOf(file))?.metadata.get('huggingface');
}
