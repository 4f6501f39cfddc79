import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatePrompt } from '../../cli/gate-prompt.ts';
import { Output } from '../../cli/output.ts';
import { progressOn } from '../../cli/progress.ts';
import type { Work } from '../../cli/session.ts';
import type { WaitingGate } from '../../schemas/workflow.ts';
import { sampleReport } from '../report/sample.ts';

let written: string;
beforeEach(() => {
  written = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    written += String(chunk);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const { figures } = sampleReport().pilot!.gate;
const gate: WaitingGate = {
  workflowId: 'robustify/mini/1',
  stage: 'pilot',
  next: 'train',
  verdict: 'pass',
  reason: '150 steps promise 30.2 points more.',
  figures,
  since: '2026-03-02T09:14:31Z',
  deadline: '2026-03-09T09:14:31Z',
};

function shown(asked: WaitingGate, where: { stateDir?: string; config?: string } = {}): string {
  const flags = { json: true, input: false, color: false, ...where };
  const output = new Output(flags);
  new GatePrompt(output, progressOn(output), flags).show(asked, {} as Work);
  return written;
}

describe('a gate that waits for a person', () => {
  it('says what a pilot promises, what is compared, and a command that can be taken as it stands', () => {
    const text = shown(gate);
    expect(text).toContain('150 steps promise 30.2 points more.');
    expect(text).toMatch(/comparison +n +as it is +piloted/);
    expect(text).toMatch(
      / {2}(npx )?modality-guard approve robustify\/mini\/1 --stage pilot --comment "[^"]+"\n/,
    );
  });

  it('names the state folder and the configuration where other ones were given, and champion and challenger of a rollout', () => {
    const text = shown(
      { ...gate, stage: 'shadow', next: 'canary-5', reason: 'all is well' },
      {
        stateDir: '/else where',
        config: 'our.yaml',
      },
    );
    expect(text).toMatch(/--stage shadow .*--config our\.yaml --state-dir '\/else where'\n/);
    expect(text).toMatch(/champion +challenger/);
    expect(text).toContain('on a replay of held-out requests, not on live traffic');
    // Why a stage passed stands in its table.
    expect(text).not.toContain('all is well');
  });

  it('lets Ctrl-C interrupt the run while it asks', async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as unknown as typeof process.stdin);
    const { isTTY } = process.stderr;
    process.stderr.isTTY = true;
    const run = new AbortController();
    const interrupt = () => run.abort();
    process.once('SIGINT', interrupt);
    try {
      const output = new Output({ input: true, color: false });
      const prompt = new GatePrompt(output, progressOn(output), { input: true, color: false });
      prompt.show(gate, { session: {}, api: {}, signal: run.signal } as Work);
      expect(prompt.busy).toBe(true);
      stdin.write('\u0003');
      while (prompt.busy) await new Promise((resolve) => setImmediate(resolve));
      expect(run.signal.aborted).toBe(true);
      expect(written).not.toMatch(/abort/i);
    } finally {
      process.off('SIGINT', interrupt);
      process.stderr.isTTY = isTTY;
    }
  });
});
