import type { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { notAskedNote } from './headline.ts';
import { roomNote, unansweredNote } from './unanswered.ts';

const minute = (time: string) => `${time.slice(0, 16).replace('T', ' ')} UTC`;

/** From when to when, as far as that was noted. */
function spanWords({ from, to }: { from: string | null; to: string | null }): string {
  if (from === null || to === null) return 'at a time that was not noted';
  const [first, last] = [minute(from), minute(to)];
  return first === last ? `on ${first}` : `from ${first} to ${last}`;
}

/** Answers of a server that were not asked for in this run. */
function reusedNote({ endpoint }: Pick<DiagnosisReport, 'endpoint'>): string[] {
  const reused = endpoint?.reused;
  if (!endpoint || !reused) return [];
  const which = reused.answers === endpoint.samples ? 'All' : `${reused.answers} of the`;
  return [
    `${which} ${endpoint.samples} answers were given to earlier runs, ${spanWords(reused)}, and tell nothing of what the server answers since.`,
  ];
}

/** What can be seen of another model behind the address, where no finding says it. */
function changedNote({ served }: Pick<DiagnosisReport, 'served'>): string[] {
  if (!served?.before || served.findings.length > 1 || served.before.changed.length === 0) return [];
  const { at, changed, workflowId } = served.before;
  return [
    `Since ${minute(at)} (${workflowId}) the model behind the address has changed: ${changed.join('; ')}. Reports before are about another model.`,
  ];
}

/** What a reader has to know beside the figures, a sentence each. */
export function caveatsOf(report: DiagnosisReport): string[] {
  return [
    ...notAskedNote(report),
    ...unansweredNote(report),
    ...roomNote(report),
    ...reusedNote(report),
    ...changedNote(report),
    ...servedFindings(report)
      .filter(({ verdict }) => verdict !== 'pass')
      .map(({ reason }) => `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`),
  ];
}

/** What the verdict owes to the question which model it is about; none for a folder, which its digest names. */
export const servedFindings = ({ served }: Pick<DiagnosisReport, 'served'>) => served?.findings ?? [];
