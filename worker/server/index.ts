/** Finds or starts a Temporal server. Everything else of this folder is its own business. */
export type { ServerConnection, ServerOptions } from './connect.ts';
export { connectServer } from './connect.ts';
export type { SourceReport } from './resolve.ts';
export { inspectSources } from './resolve.ts';
