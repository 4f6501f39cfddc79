import { readFile } from 'node:fs/promises';
import {
  type Data,
  DataType,
  Field,
  FixedSizeList,
  Float32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  type Table,
  tableFromIPC,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { z } from 'zod';
import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { ArtifactStore } from './artifacts.ts';
import { type Write, writeAtomically } from './atomic.ts';
import { errno } from './storage-errors.ts';
import { decodeText } from './text.ts';
import { transpose } from './transpose.ts';

/** Named tensors of one shape. */
export interface Tensors {
  names: string[];
  /** Shape of one tensor. */
  shape: number[];
  /** One tensor after the other, each row-major: names.length x product(shape) values. */
  data: Float32Array;
}

const extensionName = 'arrow.fixed_shape_tensor';
/** A reader maps a batch at a time. */
const batchBytes = 16 * 1024 * 1024;

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

function schemaOf(shape: number[]): { schema: Schema; type: FixedSizeList<Float32> } {
  const type = new FixedSizeList(sizeOf(shape), new Field('item', new Float32(), true));
  const metadata = new Map([
    ['ARROW:extension:name', extensionName],
    ['ARROW:extension:metadata', JSON.stringify({ shape })],
  ]);
  const fields = [new Field('name', new Utf8(), true), new Field('tensor', type, true, metadata)];
  return { schema: new Schema(fields), type };
}

function* batchesOf({ names, shape, data }: Tensors): Generator<RecordBatch> {
  const { schema, type } = schemaOf(shape);
  const size = sizeOf(shape);
  const rows = Math.max(1, Math.floor(batchBytes / (4 * size)));
  for (let start = 0; start < names.length; start += rows) {
    const end = Math.min(names.length, start + rows);
    const values = makeData({ type: new Float32(), data: data.subarray(start * size, end * size) });
    const tensors = makeData({ type, length: end - start, nullCount: 0, child: values });
    const labels = vectorFromArray(names.slice(start, end), new Utf8()).data[0] as Data;
    const struct = new Struct(schema.fields);
    yield new RecordBatch(
      schema,
      makeData({ type: struct, length: end - start, nullCount: 0, children: [labels, tensors] }),
    );
  }
}

/**
 * Writes tensors as an uncompressed Arrow IPC file with the columns `name` (utf8) and `tensor`
 * (`arrow.fixed_shape_tensor` over float32).
 * @throws TypeError if names, shape and data do not fit each other
 */
async function encodeTensors(tensors: Tensors, write: Write): Promise<void> {
  const { names, shape, data } = tensors;
  if (shape.length === 0 || !shape.every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new TypeError(`tensor shape [${shape.join(', ')}]: expected one or more whole numbers above 0`);
  }
  if (data.length !== names.length * sizeOf(shape)) {
    const expected = `${names.length} x [${shape.join(', ')}]`;
    throw new TypeError(
      `tensors have ${data.length} values, expected ${expected} = ${names.length * sizeOf(shape)}`,
    );
  }
  const writer = new RecordBatchFileWriter();
  writer.reset(undefined, schemaOf(shape).schema);
  for (const batch of batchesOf(tensors)) writer.write(batch);
  writer.finish();
  for await (const chunk of writer) await write(chunk as Uint8Array);
}

export const writeTensors = (store: ArtifactStore, tensors: Tensors): Promise<ArtifactRef> =>
  store.create(
    MediaType.Arrow,
    (write) => encodeTensors(tensors, write),
    () => tensors.names.length,
  );

/** Writes tensors to a file, atomically. */
export async function writeTensorsFile(path: string, tensors: Tensors): Promise<void> {
  await writeAtomically(path, (write) => encodeTensors(tensors, write));
}

function bad(path: string, found: string, expected: string, cause?: unknown): GuardError {
  return new GuardError(ErrorCode.BadInput, `${path}: ${found}; expected ${expected}`, { cause });
}

async function openArrow(path: string): Promise<Table> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw bad(path, `it cannot be read (${errno(cause)})`, 'an Arrow IPC file: check the path', cause);
  }
  if (Buffer.from(bytes.subarray(0, 6)).toString('latin1') !== 'ARROW1') {
    throw bad(
      path,
      'it does not begin with ARROW1',
      'an Arrow IPC file (pyarrow.ipc.new_file), not a stream',
    );
  }
  try {
    return tableFromIPC(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw bad(path, `it cannot be read as Arrow (${reason})`, 'a whole, uncompressed Arrow IPC file', cause);
  }
}

const Extension = z.object({
  shape: z.array(z.number().int().positive()).min(1),
  permutation: z.array(z.number().int().nonnegative()).nullish(),
});

function extensionOf(path: string, field: Field): { shape: number[]; permutation: number[] } {
  const expected = `column "tensor" of type ${extensionName} over float32, for example pyarrow.fixed_shape_tensor`;
  const name = field.metadata.get('ARROW:extension:name');
  const listSize = DataType.isFixedSizeList(field.type) ? field.type.listSize : undefined;
  if (name !== extensionName || listSize === undefined) {
    throw bad(path, `column "tensor" is ${name ?? String(field.type)}`, expected);
  }
  const item = (field.type as FixedSizeList).children[0]?.type;
  if (!DataType.isFloat(item) || item.precision !== new Float32().precision) {
    throw bad(path, `column "tensor" holds ${String(item)}`, 'float32: cast it');
  }
  const text = field.metadata.get('ARROW:extension:metadata') ?? '';
  try {
    const { shape, permutation } = Extension.parse(JSON.parse(text));
    const order = permutation ?? shape.map((_, i) => i);
    if (sizeOf(shape) !== listSize) throw new Error(`lists have ${listSize} values`);
    if ([...order].sort((a, b) => a - b).some((n, i) => n !== i) || order.length !== shape.length) {
      throw new Error('"permutation" is not one');
    }
    // pyarrow writes the inverse of what the format says; only where the two are the same is the meaning certain.
    if (order.some((dimension, i) => order[dimension] !== i)) {
      throw new Error('writers disagree on the meaning of a "permutation" that is not its own inverse');
    }
    return { shape, permutation: order };
  } catch (cause) {
    throw bad(
      path,
      `the extension metadata ${text} does not fit (${String(cause)})`,
      '{"shape": [...]}',
      cause,
    );
  }
}

/** Values of the tensor column, batch after batch, and the tensors in their logical order. */
function tensorData(path: string, table: Table, field: Field): Pick<Tensors, 'shape' | 'data'> {
  const { shape, permutation } = extensionOf(path, field);
  const column = table.getChild('tensor');
  const size = sizeOf(shape);
  const data = new Float32Array(table.numRows * size);
  let at = 0;
  for (const chunk of column?.data ?? []) {
    const values = chunk.children[0];
    if (!values || chunk.nullCount > 0 || values.nullCount > 0) {
      throw bad(path, 'column "tensor" has nulls', 'a value in every place: drop or fill them');
    }
    data.set((values.values as Float32Array).subarray(0, chunk.length * size), at);
    at += chunk.length * size;
  }
  return transpose(data, shape, permutation);
}

function namesOf(path: string, column: Vector): string[] {
  const names: string[] = [];
  for (const chunk of column.data) {
    for (let i = 0; i < chunk.length; i++) {
      const { values, valueOffsets: offsets } = chunk;
      if (!DataType.isUtf8(chunk.type) || !chunk.getValid(i)) {
        const found = DataType.isUtf8(chunk.type) ? 'null' : String(chunk.type);
        throw bad(path, `row ${names.length} (the first is 0), column "name" is ${found}`, 'text (utf8)');
      }
      names.push(decodeText((values as Uint8Array).subarray(offsets[i], offsets[i + 1])));
    }
  }
  return names;
}

/**
 * Reads the tensors of an Arrow IPC file, ours or another writer's. Tensors that are stored permuted come in
 * their logical shape, row-major.
 * @throws GuardError BadInput naming file and column
 */
export async function readTensors(path: string): Promise<Tensors> {
  const table = await openArrow(path);
  const fields = new Map(table.schema.fields.map((field) => [field.name, field]));
  const field = fields.get('tensor');
  const names = table.getChild('name');
  if (!field || !names) {
    const found = `it has the columns ${[...fields.keys()].join(', ') || 'none'}`;
    throw bad(path, found, `"name" (utf8) and "tensor" (${extensionName})`);
  }
  const labels = namesOf(path, names);
  return { names: labels, ...tensorData(path, table, field) };
}
