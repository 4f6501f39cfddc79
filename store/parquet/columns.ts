import { type FileMetaData, parquetSchema, type SchemaTree } from 'hyparquet';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type Column, type ColumnKind, elementKind, type TableSchema } from './schema.ts';

const wholeNumbers = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'];
/** pandas keeps whole numbers of which some are absent as floats, databases keep them as decimals. */
const numbers = [...wholeNumbers, 'float16', 'float32', 'float64', 'decimal'];
/** Old writers leave text unmarked, and names are often numbers. */
const texts = ['string', 'binary', 'enum', 'json', 'uuid', ...wholeNumbers];

/** Types that a column may have in a file of others; values are checked row by row. */
function accepted(kind: ColumnKind): readonly string[] {
  if (kind === 'string') return texts;
  return ['int32', 'int64', 'float32', 'float64'].includes(kind) ? numbers : [kind];
}

function wholeNumberType(node: SchemaTree): string {
  const { type, converted_type: converted, logical_type: logical } = node.element;
  if (logical?.type === 'INTEGER') return `${logical.isSigned ? 'int' : 'uint'}${logical.bitWidth}`;
  if (converted?.startsWith('UINT_') || converted?.startsWith('INT_')) {
    return converted.replace('_', '').toLowerCase();
  }
  if (logical || converted) return (logical?.type ?? converted ?? '').toLowerCase();
  return type === 'INT32' ? 'int32' : 'int64';
}

function leafType(node: SchemaTree): string {
  const { type, converted_type: converted, logical_type: logical } = node.element;
  switch (type) {
    case 'BOOLEAN':
      return 'bool';
    case 'INT32':
    case 'INT64':
      return wholeNumberType(node);
    case 'FLOAT':
      return 'float32';
    case 'DOUBLE':
      return 'float64';
    case 'BYTE_ARRAY':
      if (logical?.type === 'STRING' || converted === 'UTF8' || converted === 'ENUM') return 'string';
      return logical || converted ? (logical?.type ?? converted ?? '').toLowerCase() : 'binary';
    default:
      return (logical?.type ?? converted ?? type ?? 'nothing').toLowerCase();
  }
}

/** The element of a LIST: 3 levels as the format says, or 2 as old writers have it. */
function listElement(node: SchemaTree): SchemaTree | undefined {
  const isList = node.element.converted_type === 'LIST' || node.element.logical_type?.type === 'LIST';
  const repeated = node.children[0];
  if (!isList || node.children.length !== 1 || repeated?.element.repetition_type !== 'REPEATED')
    return undefined;
  return repeated.children.length === 1 ? repeated.children[0] : repeated;
}

/** A column's type in words, for example `list<string>` or `struct<bytes: binary, path: string>`. */
function describe(node: SchemaTree): string {
  const element = listElement(node);
  if (element) return `list<${describe(element)}>`;
  if (node.children.length > 0) {
    return `struct<${node.children.map((child) => `${child.element.name}: ${describe(child)}`).join(', ')}>`;
  }
  const type = leafType(node);
  return node.element.repetition_type === 'REPEATED' ? `repeated ${type}` : type;
}

/** A column of which no row has a value comes without a type. */
const isEmpty = (node: SchemaTree | undefined) => node === undefined || describe(node) === 'null';

function fits({ kind, nullable = false }: Column, node: SchemaTree): boolean {
  if (nullable && isEmpty(node)) return true;
  const element = elementKind(kind);
  if (element) {
    const found = listElement(node);
    return found !== undefined && [...accepted(element), 'null'].includes(describe(found));
  }
  if (kind !== 'image') return accepted(kind).includes(describe(node));
  if (node.children.length === 0) return describe(node) === 'binary';
  const fields = new Map(node.children.map((child) => [child.element.name, child]));
  const bytes = fields.get('bytes');
  const path = fields.get('path');
  if (bytes === undefined || !(describe(bytes) === 'binary' || (nullable && isEmpty(bytes)))) return false;
  return path === undefined || isEmpty(path) || texts.includes(describe(path));
}

const inWords = (kind: ColumnKind) => (kind === 'image' ? 'struct<bytes: binary, path: string>' : kind);

/**
 * @returns names of the schema's columns that the file has
 * @throws GuardError BadInput naming the file and every column that is absent or of another type
 */
export function checkColumns(path: string, metadata: FileMetaData, schema: TableSchema): string[] {
  const found = new Map(parquetSchema(metadata).children.map((child) => [child.element.name, child]));
  const problems: string[] = [];
  for (const [name, column] of Object.entries(schema)) {
    const node = found.get(name);
    if (!node && column.mayLack) continue;
    if (!node) problems.push(`column "${name}" (${inWords(column.kind)}) is missing`);
    else if (!fits(column, node)) {
      problems.push(`column "${name}" is ${describe(node)}, expected ${inWords(column.kind)}`);
    }
  }
  if (problems.length === 0) return Object.keys(schema).filter((name) => found.has(name));
  const have = [...found.keys()].join(', ') || 'none';
  throw new GuardError(
    ErrorCode.BadInput,
    `${path}: ${problems.join('; ')}. The file has the columns: ${have}. Rename or cast them and write it again.`,
  );
}
