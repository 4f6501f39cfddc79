import type { Field, ParquetSchema, RowBuffer } from 'parquetjs-lite';

/** A field of the schema with those in it, in their order. */
interface Node {
  name: string;
  /** Of a leaf: its column in the buffer. */
  key: string;
  repetition: number;
  definition: number;
  toPrimitive: (value: unknown) => unknown;
  children: readonly Node[] | null;
}

const bytes = (value: unknown) => Buffer.from(value as string);
/** The library writes numbers by way of text, which drops the sign of zero. */
const number = (value: unknown) => (value as number) + 0;
const same = (value: unknown) => value;

function nodesOf(fields: Readonly<Record<string, Field>>): Node[] {
  return Object.values(fields).map((field) => {
    const { dLevelMax, fields: within, name, path, primitiveType, rLevelMax } = field;
    const flat = primitiveType === 'BOOLEAN' ? same : number;
    return {
      name,
      key: path.join(),
      repetition: rLevelMax,
      definition: dLevelMax,
      toPrimitive: primitiveType === 'BYTE_ARRAY' ? bytes : flat,
      children: within ? nodesOf(within) : null,
    };
  });
}

/**
 * Adds checked rows to the row buffer of the library's writer, as its own shredder does (Dremel's levels), but at once, and without
 * the sets of distinct values that only statistics need: that is most of the time of writing.
 */
export class Shredder {
  private readonly nodes: readonly Node[];
  private readonly paths: readonly string[];

  constructor(schema: ParquetSchema) {
    this.nodes = nodesOf(schema.fields);
    this.paths = schema.fieldList.map(({ path }) => path.join());
  }

  add(row: Readonly<Record<string, unknown>>, buffer: RowBuffer): void {
    if (!buffer.columnData) {
      const empty = () => ({ dlevels: [], rlevels: [], values: [], distinct_values: new Set(), count: 0 });
      buffer.rowCount = 0;
      buffer.pageRowCount = 0;
      buffer.columnData = Object.fromEntries(this.paths.map((path) => [path, empty()]));
      buffer.pages = Object.fromEntries(this.paths.map((path) => [path, []]));
    }
    buffer.rowCount!++;
    buffer.pageRowCount!++;
    put(this.nodes, row, buffer.columnData, 0, 0);
  }
}

function put(
  nodes: readonly Node[],
  record: Readonly<Record<string, unknown>> | null,
  columns: NonNullable<RowBuffer['columnData']>,
  repetition: number,
  definition: number,
): void {
  for (const node of nodes) {
    const found = record?.[node.name] ?? null;
    if (found === null || (Array.isArray(found) && found.length === 0)) {
      if (node.children) put(node.children, null, columns, repetition, definition);
      else level(columns[node.key]!, repetition, definition);
    } else if (Array.isArray(found)) {
      for (let i = 0; i < found.length; i++)
        one(node, found[i], columns, i === 0 ? repetition : node.repetition);
    } else one(node, found, columns, repetition);
  }
}

function one(
  node: Node,
  value: unknown,
  columns: NonNullable<RowBuffer['columnData']>,
  repetition: number,
): void {
  if (node.children) {
    put(node.children, value as Record<string, unknown>, columns, repetition, node.definition);
    return;
  }
  const column = columns[node.key]!;
  level(column, repetition, node.definition);
  column.values.push(node.toPrimitive(value));
}

function level(
  column: NonNullable<RowBuffer['columnData']>[string],
  repetition: number,
  definition: number,
): void {
  column.rlevels.push(repetition);
  column.dlevels.push(definition);
  column.count++;
}
