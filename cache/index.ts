/** The user's cache folder, and how files of a Python package index get into it. */
export { download, type PinnedFile, sha256 } from './download.ts';
export { cacheFolder, changeableByOthers, privateCache } from './folder.ts';
export type { Fetch } from './http.ts';
export { type IndexSetting, indexSettings } from './pip-settings.ts';
export { findFile, type IndexFile, shownIndex } from './simple-index.ts';
export { diskProblem } from './storage.ts';
export { extractEntry, listEntries, readEntries } from './zip.ts';
