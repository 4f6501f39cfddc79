/**
 * What workflow code added to its steps' arguments and results without `patched`, since Temporal does not ask for it there: a history of
 * other code may lack it. Of a history that the same code made nothing is passed over.
 */
const added: ReadonlySet<string> = new Set([
  'activity "attack" argument 1.config.queries',
  'activity "ingest" argument 1.needs',
  'activity "perturb" argument 1.model',
  'activity "predict" argument 1.asking',
  'activity "replayTraffic" argument 1.model',
  'activity "report" argument 1.secondsPerStep',
  'activity "reportDiagnosis" argument 1.request.diagnosis',
  'activity "reportDiagnosis" argument 1.request.packs',
  'activity "reportDiagnosis" argument 1.result.accounts',
  'activity "summarize" argument 1.seed',
  'child workflow "rollout" argument 1.perturbing',
  'child workflow "rollout" argument 1.rehearsal',
  'end of the workflow result.accounts',
  // Of a drift watch.
  'end of the workflow result.limits',
  'end of the workflow result.newest',
]);

/** And what it left out since. */
const dropped: ReadonlySet<string> = new Set([
  'activity "gate" argument 1.seed',
  'end of the workflow result.cursor',
]);

/** An answer of the registry held all events of then, without their makers. */
const changed: ReadonlySet<string> = new Set(['answer to an update result.events']);

/** Whether a difference at this place only says that the history is older. `path`: what, and where in it. */
export function isOfBefore(path: string, then: unknown, now: unknown): boolean {
  if (then === undefined) return added.has(path);
  return changed.has(path) || (now === undefined && dropped.has(path));
}
