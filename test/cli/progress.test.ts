import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Output } from '../../cli/output.ts';
import { progressOn } from '../../cli/progress.ts';
import type { StatusView } from '../../worker/index.ts';

type Stage = StatusView['stages'][number];

function stage(name: string, state: Stage['state'], more: Partial<Stage> = {}): Stage {
  return {
    name,
    state,
    startedAt: null,
    seconds: null,
    steps: { done: 0, cached: 0, total: 0 },
    detail: '',
    ...more,
  };
}

function status(stages: Stage[], activities: StatusView['activities'] = []): StatusView {
  const running = {
    workflowId: 'w',
    runId: 'r',
    model: 'mini',
    state: 'running',
    outcome: null,
    waiting: null,
  } as const;
  return { ...running, stages, activities };
}

const training = {
  step: 'train',
  label: 'training',
  done: 30,
  total: 60,
  attempt: 2,
  lastFailure: 'worker lost\nstack',
};

let written: string;

beforeEach(() => {
  written = '';
  vi.stubEnv('CI', '');
  vi.stubEnv('TERM', 'xterm');
  vi.stubEnv('NO_COLOR', '1');
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    written += String(chunk);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

function progress(terminal: boolean) {
  const before = process.stderr.isTTY;
  process.stderr.isTTY = terminal;
  try {
    return progressOn(new Output({ input: true, color: true }));
  } finally {
    process.stderr.isTTY = before;
  }
}

const ended = stage('ingest', 'done', { seconds: 1.25, steps: { done: 2, cached: 1, total: 2 } });

describe('progress', () => {
  it('is one line per event where nobody watches', () => {
    const lines = progress(false);
    lines.show(status([stage('ingest', 'running'), stage('train', 'waiting')]));
    lines.show(status([stage('ingest', 'running'), stage('train', 'waiting')]));
    lines.show(status([ended, stage('train', 'running')], [training]));
    expect(written.split('\n')).toEqual([
      'ingest    started',
      'ingest    done 1.3 s  (2 of 2 steps, 1 from the cache)',
      'train     started',
      '',
    ]);
  });

  it('says now and then how far the work is', () => {
    vi.useFakeTimers();
    const lines = progress(false);
    lines.show(status([stage('train', 'running')], [training]));
    vi.advanceTimersByTime(11_000);
    lines.show(status([stage('train', 'running')], [training]));
    lines.show(status([stage('train', 'running')], [training]));
    vi.useRealTimers();
    expect(written.split('\n').slice(1)).toEqual([
      '  training 30/60, attempt 2, last failure: worker lost',
      '',
    ]);
  });

  it('redraws bars on a terminal, and leaves what has ended', () => {
    const bars = progress(true);
    bars.show(status([stage('ingest', 'running', { steps: { done: 1, cached: 0, total: 2 } })]));
    expect(written).toBe(`ingest    [${'#'.repeat(12)}${'.'.repeat(12)}] 1 of 2 steps\n`);
    written = '';
    bars.show(status([ended, stage('train', 'running')], [training]));
    const [up, ...rest] = written.split('\u001b[J');
    expect(up).toBe('\u001b[1A');
    expect(rest.join('').split('\n')[0]).toBe('ingest    done 1.3 s  (2 of 2 steps, 1 from the cache)');
    expect(rest.join('')).toContain(`train         [${'#'.repeat(12)}${'.'.repeat(12)}] training 30/60`);
    written = '';
    bars.clear();
    expect(written).toBe('\u001b[2A\u001b[J');
  });
});
