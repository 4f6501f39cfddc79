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
  export class ParquetSchema {
    constructor(fields: Record<string, FieldDefinition>);
  }
  export class ParquetWriter {
    static openStream(
      schema: ParquetSchema,
      stream: OutputStream,
      options: { rowGroupSize?: number; useDataPageV2?: boolean; pageIndex?: boolean },
    ): Promise<ParquetWriter>;
    appendRow(row: Record<string, unknown>): Promise<void>;
    setMetadata(key: string, value: string): void;
    setRowGroupSize(rows: number): void;
    close(): Promise<void>;
  }
  const parquet: { ParquetSchema: typeof ParquetSchema; ParquetWriter: typeof ParquetWriter };
  export default parquet;
}
