export { type Format, formats, type Source, sourcesOf } from './detect.ts';
export { type Exported, exportSamples } from './export/export.ts';
export { type ExportFormat, exportFormats } from './export/formats.ts';
export { readPack, shippedPacks } from './packs.ts';
export type { BadRow } from './raw.ts';
export { type IngestOptions, type IngestResult, ingest, ingestFiles, readSources } from './run.ts';
export { readSettings } from './settings.ts';
export { taskOf } from './tasks.ts';
