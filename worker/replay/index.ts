export { type AuditReplay, auditReplay } from './audit-replay.ts';
export { replayStrictly } from './strict.ts';
