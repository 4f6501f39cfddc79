/** The part of parquetjs-lite (which has no declarations) that is used here. */
declare module 'parquetjs-lite' {
  export interface FieldDefinition {
    type?: string;
    optional?: boolean;
    repeated?: boolean;
    compression?: 'UNCOMPRESSED' | 'SNAPPY';
    statistics?: false;
    fields?: Record<string, FieldDefinition>;
  }
  export interface OutputStream {
    write(bytes: Uint8Array, done: (error?: unknown) => void): void;
    end(done: (error?: unknown) => void): void;
  }
  export interface Field {
    name: string;
    path: string[];
    primitiveType?: string;
    rLevelMax: number;
    dLevelMax: number;
    fields?: Record<string, Field>;
  }
  export class ParquetSchema {
    constructor(fields: Record<string, FieldDefinition>);
    readonly fields: Record<string, Field>;
    /** With those within others, depth first. */
    readonly fieldList: Field[];
  }
  /** Rows that wait to be written; empty before the first one. Keys are paths, joined by commas. */
  export interface RowBuffer {
    rowCount?: number;
    pageRowCount?: number;
    columnData?: Record<
      string,
      {
        dlevels: number[];
        rlevels: number[];
        values: unknown[];
        distinct_values: Set<unknown>;
        count: number;
      }
    >;
    pages?: Record<string, unknown[]>;
  }
  export class ParquetWriter {
    static openStream(
      schema: ParquetSchema,
      stream: OutputStream,
      options: { rowGroupSize?: number; useDataPageV2?: boolean; pageIndex?: boolean },
    ): Promise<ParquetWriter>;
    rowBuffer: RowBuffer;
    appendRow(row: Record<string, unknown>): Promise<void>;
    setMetadata(key: string, value: string): void;
    setRowGroupSize(rows: number): void;
    close(): Promise<void>;
  }
  const parquet: { ParquetSchema: typeof ParquetSchema; ParquetWriter: typeof ParquetWriter };
  export default parquet;
}
