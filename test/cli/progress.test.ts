import stringWidth from 'string-width';
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
      '  train',
      '    training 30/60, attempt 2, last failure: worker lost',
      '',
    ]);
  });

  it('redraws bars on a terminal, and leaves what has ended', () => {
    const bars = progress(true);
    bars.show(status([stage('ingest', 'running', { steps: { done: 1, cached: 0, total: 2 } })]));
    expect(written).toBe(`ingest    [${'#'.repeat(6)}${'.'.repeat(6)}] 1 of 2 steps\n`);
    written = '';
    bars.show(status([ended, stage('train', 'running')], [training]));
    const [up, ...rest] = written.split('\u001b[J');
    expect(up).toBe('\u001b[1A');
    expect(rest.join('').split('\n')[0]).toBe('ingest    done 1.3 s  (2 of 2 steps, 1 from the cache)');
    expect(rest.join('')).toContain(`train         [${'#'.repeat(6)}${'.'.repeat(6)}] training 30/60`);
    written = '';
    bars.clear();
    expect(written).toBe('\u001b[2A\u001b[J');
  });

  it('tells how fast a step goes, how long it takes yet, and how long the stage does', () => {
    vi.useFakeTimers({ now: new Date('2026-03-02T10:00:10Z') });
    const lines = progress(false);
    const running = stage('diagnose', 'running', {
      startedAt: '2026-03-02T10:00:00Z',
      steps: { done: 4, cached: 0, total: 16 },
    });
    const answering = (done: number) => ({
      ...{ step: 'predict', label: 'image_heavy', done, total: 600, attempt: 1, lastFailure: null },
    });
    lines.show(status([running], [answering(0)]));
    vi.advanceTimersByTime(10_000);
    lines.show(status([running], [answering(300)]));
    vi.useRealTimers();
    // 30 a second; 4.5 of 16 steps in 20 seconds.
    expect(written.split('\n').slice(1)).toEqual([
      '  diagnose: 4 of 16 steps, about 51 s left',
      '    image_heavy 300/600, 30.0/s, 10 s left',
      '',
    ]);
  });

  it('keeps to the terminal and to 80 columns, whatever a failure says', () => {
    const bars = progress(true);
    const failed = { ...training, lastFailure: '画像を読み込めません。'.repeat(20) };
    bars.show(status([stage('train', 'running')], [failed]));
    for (const line of written.split('\n')) expect(stringWidth(line)).toBeLessThan(80);
    expect(written).toContain('…');
  });
});
