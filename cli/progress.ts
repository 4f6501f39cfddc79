import type { StatusView } from '../worker/index.ts';
import type { Output } from './output.ts';
import { seconds } from './views/table.ts';

const barWidth = 24;
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

function activityText(activity: Activity): string {
  const retry = activity.attempt > 1 ? `, attempt ${activity.attempt}` : '';
  const failure = activity.lastFailure ? `, last failure: ${activity.lastFailure.split('\n')[0]}` : '';
  const amount = activity.total > 0 ? ` ${activity.done}/${activity.total}` : '';
  return `${activity.label || activity.step}${amount}${retry}${failure}`;
}

class Lines implements Progress {
  private readonly output: Output;
  private readonly seen = new Map<string, string>();
  private lastLine = Date.now();

  constructor(output: Output) {
    this.output = output;
  }

  show(status: StatusView): void {
    for (const stage of status.stages) this.showStage(stage);
    const running = status.activities.map(activityText).join('; ');
    if (running && Date.now() - this.lastLine >= lineEveryMs) this.print(`  ${running}`);
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
  private readonly printed = new Set<string>();
  private drawn = 0;

  constructor(output: Output) {
    this.output = output;
  }

  show(status: StatusView): void {
    this.clear();
    for (const stage of status.stages) {
      if ((stage.state !== 'done' && stage.state !== 'failed') || this.printed.has(stage.name)) continue;
      this.printed.add(stage.name);
      this.output.log(this.output.styleErr(endText(stage), stage.state === 'failed' ? 'red' : 'green'));
    }
    const lines = status.stages
      .filter(({ state }) => state === 'running')
      .map((stage) => this.stageLine(stage));
    this.draw([...lines, ...status.activities.map((activity) => this.activityLine(activity))]);
  }

  clear(): void {
    if (this.drawn > 0) process.stderr.write(`\u001b[${this.drawn}A\u001b[J`);
    this.drawn = 0;
  }

  private draw(lines: string[]): void {
    const width = (process.stderr.columns ?? 80) - 1;
    for (const line of lines) this.output.log(line.slice(0, width));
    this.drawn = lines.length;
  }

  private stageLine(stage: Stage): string {
    const { done, total } = stage.steps;
    return `${stage.name.padEnd(9)} ${bar(done, total)} ${stageText(stage)}`;
  }

  private activityLine(activity: Activity): string {
    return `  ${activity.step.padEnd(13)} ${bar(activity.done, activity.total)} ${activityText(activity)}`;
  }
}

function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.round((Math.min(done, total) / total) * barWidth) : 0;
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`;
}
