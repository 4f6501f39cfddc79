import type { StatusView } from '../worker/index.ts';
import type { Output } from './output.ts';
import { Pace } from './pace.ts';
import { seconds } from './views/table.ts';
import { cut, width } from './views/text.ts';

const barWidth = 12;
const lineEveryMs = 10_000;

export interface Progress {
  show(status: StatusView): void;
  /** Takes the redrawn lines away, so that other lines can be printed. */
  clear(): void;
}

/** Bars that redraw themselves on a terminal, a line per event elsewhere. */
export function progressOn(output: Output): Progress {
  return output.redraws ? new Bars(output) : new Lines(output);
}

type Stage = StatusView['stages'][number];
type Activity = StatusView['activities'][number];

function stageText(stage: Stage): string {
  const { done, cached, total } = stage.steps;
  const steps = total > 0 ? `${done} of ${total} steps` : '';
  const parts = [steps, cached > 0 ? `${cached} from the cache` : '', stage.detail];
  return parts.filter(Boolean).join(', ');
}

function endText(stage: Stage): string {
  const time = stage.seconds === null ? '' : seconds(stage.seconds);
  const mark = stage.state === 'failed' ? 'failed' : 'done';
  const text = stageText(stage);
  return `${stage.name.padEnd(9)} ${mark} ${time}${text ? `  (${text})` : ''}`;
}

/** "12.3/s", or of what takes longer "4.1/min". */
const rateText = (rate: number) => (rate >= 1 ? `${rate.toFixed(1)}/s` : `${(60 * rate).toFixed(1)}/min`);

/** Without tenths: a time that is foretold is not that sure. */
const about = (left: number) => (left < 60 ? `${Math.max(1, Math.round(left))} s` : seconds(left));

function activityText(activity: Activity, pace: Pace): string {
  const known = pace.of(activity);
  const speed = known && activity.total > 0 ? `, ${rateText(known.rate)}, ${about(known.left)} left` : '';
  const retry = activity.attempt > 1 ? `, attempt ${activity.attempt}` : '';
  const failure = activity.lastFailure ? `, last failure: ${activity.lastFailure.split('\n')[0]}` : '';
  const amount = activity.total > 0 ? ` ${activity.done}/${activity.total}` : '';
  return `${activity.label || activity.step}${amount}${speed}${retry}${failure}`;
}

const leftText = (left: number | null) => (left === null ? '' : `, about ${about(left)} left`);

function runningText(stage: Stage, left: number | null): string {
  const text = `${stageText(stage)}${leftText(left)}`;
  return text === '' ? '' : `: ${text}`;
}

class Lines implements Progress {
  private readonly output: Output;
  private readonly pace = new Pace();
  private readonly seen = new Map<string, string>();
  private lastLine = Date.now();

  constructor(output: Output) {
    this.output = output;
  }

  show(status: StatusView): void {
    this.pace.note(status);
    for (const stage of status.stages) this.showStage(stage);
    if (status.activities.length === 0 || Date.now() - this.lastLine < lineEveryMs) return;
    for (const stage of status.stages.filter(({ state }) => state === 'running'))
      this.print(`  ${stage.name}${runningText(stage, this.pace.leftOf(stage, status.activities))}`);
    for (const activity of status.activities) this.print(`    ${activityText(activity, this.pace)}`);
  }

  clear(): void {}

  private showStage(stage: Stage): void {
    if (stage.state === 'waiting' || this.seen.get(stage.name) === stage.state) return;
    const isNew = !this.seen.has(stage.name);
    this.seen.set(stage.name, stage.state);
    if (stage.state === 'running') this.print(`${stage.name.padEnd(9)} started`);
    else if (isNew || stage.state === 'done' || stage.state === 'failed') this.print(endText(stage));
  }

  private print(line: string): void {
    this.lastLine = Date.now();
    this.output.log(line);
  }
}

class Bars implements Progress {
  private readonly output: Output;
  private readonly pace = new Pace();
  private readonly printed = new Set<string>();
  private drawn = 0;

  constructor(output: Output) {
    this.output = output;
  }

  show(status: StatusView): void {
    this.clear();
    this.pace.note(status);
    for (const stage of status.stages) {
      if ((stage.state !== 'done' && stage.state !== 'failed') || this.printed.has(stage.name)) continue;
      this.printed.add(stage.name);
      this.output.log(this.output.styleErr(endText(stage), stage.state === 'failed' ? 'red' : 'green'));
    }
    const lines = status.stages
      .filter(({ state }) => state === 'running')
      .map((stage) => `${this.stageLine(stage)}${leftText(this.pace.leftOf(stage, status.activities))}`);
    this.draw([...lines, ...status.activities.map((activity) => this.activityLine(activity))]);
  }

  clear(): void {
    if (this.drawn > 0) process.stderr.write(`\u001b[${this.drawn}A\u001b[J`);
    this.drawn = 0;
  }

  private draw(lines: string[]): void {
    const columns = Math.min(width, process.stderr.columns ?? width) - 1;
    for (const line of lines) this.output.log(cut(line, columns));
    this.drawn = lines.length;
  }

  private stageLine(stage: Stage): string {
    const { done, total } = stage.steps;
    return `${stage.name.padEnd(9)} ${bar(done, total)} ${stageText(stage)}`;
  }

  private activityLine(activity: Activity): string {
    return `  ${activity.step.padEnd(13)} ${bar(activity.done, activity.total)} ${activityText(activity, this.pace)}`;
  }
}

function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.round((Math.min(done, total) / total) * barWidth) : 0;
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`;
}
