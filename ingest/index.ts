export type { Shares } from './assign.ts';
export { type Format, formats } from './detect.ts';
export { type Exported, exportSamples } from './export/export.ts';
export { type ExportFormat, exportFormats } from './export/formats.ts';
export { type PackSources, packSetOf } from './pack-set.ts';
export { readPack, shippedPacks } from './packs.ts';
export type { BadRow } from './raw.ts';
export {
  described,
  type IngestOptions,
  type IngestResult,
  ingest,
  ingestFiles,
  readSources,
  wantedBy,
} from './run.ts';
export { readSettings } from './settings.ts';
export { type Source, sourcesOf } from './sources.ts';
export { taskOf } from './tasks.ts';
