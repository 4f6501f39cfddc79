import type { RunReport, ScoredPrediction } from '../../schemas/report.ts';
import { type Content, type Html, html } from '../html.ts';
import { percent, signedPoints, taskLabel } from '../labels.ts';
import { section, table } from './parts.ts';
import { stageItem } from './rollout.ts';

function promises(predictions: readonly ScoredPrediction[]): Html {
  const rows = predictions.map(({ actual, ci95, covered, error, predicted, taskKind }): Content[] => [
    taskLabel(taskKind),
    percent(predicted),
    `${percent(ci95[0])} to ${percent(ci95[1])}`,
    percent(actual),
    signedPoints(error),
    covered ? 'inside' : html`<strong>outside</strong>`,
  ]);
  const content = {
    caption: 'Accuracy under perturbation: promised by the pilot, and reached by the training',
    columns: ['Task', '#Promised', '#95 % interval', '#Reached', '#Off by, points', 'Interval'],
    rows,
  };
  return html`<div class="card">${table(content)}</div>`;
}

/** The short trainings before the real one: their gate, and how good their promise was. */
export function pilotSection({ pilot }: RunReport): Html | null {
  if (!pilot) return null;
  const { gate, predictions } = pilot;
  const [first] = predictions;
  const lead = first
    ? `Short trainings came first, and their learning curves said what ${first.steps} steps would reach.`
    : 'Short trainings came first. Too little could be measured for a learning curve.';
  const who = 'the model as it was (champion) and after the longest pilot (challenger)';
  const note = `Before the training: ${who} · ${gate.requests} answers compared`;
  return section(
    'pilot',
    'Did the pilot keep its promise?',
    lead,
    html`<ol class="timeline">${stageItem(gate, note)}</ol>${first !== undefined && promises(predictions)}`,
  );
}
