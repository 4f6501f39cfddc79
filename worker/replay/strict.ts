import { type InjectedSinks, type ReplayWorkerOptions, Worker } from '@temporalio/worker';
import { SearchAttribute } from '../../schemas/workflow.ts';
import { codeMemo } from '../../workflows/code.ts';
import { type RecorderSinks, replayQueue } from '../../workflows/recorder.ts';
import { eventsOf, type HistoryEvent, isLast } from '../history-events.ts';
import type { Deed } from './deed.ts';
import { recording } from './deeds-of-code.ts';
import { deedsOfHistory } from './deeds-of-history.ts';
import { type Difference, differences, placeText } from './differences.ts';

export interface HistoryToReplay {
  workflowId: string;
  /** JSON in the form of Temporal's own tools. */
  history: unknown;
}

export interface ReplayedHistory {
  workflowId: string;
  /** Empty: the code does what the history says. */
  differences: Difference[];
  /** Digest of the code that began the execution, as the history says; null: it does not say. */
  code: string | null;
}

/** Where the SDK gave up, and what is next there on both sides, in words; else the SDK's own. */
function refused(
  error: Error,
  { deeds, places }: ReturnType<typeof deedsOfHistory>,
  now: ReadonlyMap<string, Deed>,
): Difference {
  const said =
    /\[TMPRL\d+\] Nondeterminism error: (.*?)(?:", source: |$)/s.exec(error.message)?.[1] ?? error.message;
  const eventId = /\bid: (\d+)\b/.exec(said)?.[1];
  const place = places.find((one) => one.eventId === eventId);
  if (!place) return { message: said };
  const next = deeds.find((one) => one.place.eventId === eventId)?.deed.what;
  const keys = new Set(deeds.map(({ deed }) => deed.key));
  const instead = [...now.values()].find(({ key }) => !keys.has(key))?.what ?? 'nothing';
  const words = next ? `${next} is next in the history, ${instead} by this code (${said})` : said;
  return { ...place, message: `${placeText(place)}: ${words}` };
}

/** Digest of the code that a memo names; null: none does. */
function codeOf(deeds: readonly Deed[]): string | null {
  const memo = deeds.find(({ facts, what }) => what === 'memo' && codeMemo in facts);
  return memo ? String(memo.facts[codeMemo]) : null;
}

/**
 * Replays histories with workflow code, one after the other, and compares all that it does with what they say: activities, timers,
 * children, signals and updates with their arguments, and the end. The SDK alone compares the kinds of these.
 */
export async function* replayStrictly(
  code: Pick<ReplayWorkerOptions, 'workflowBundle' | 'workflowsPath'>,
  histories: Iterable<HistoryToReplay>,
): AsyncGenerator<ReplayedHistory> {
  let recorded = recording();
  let events: HistoryEvent[] = [];
  function* inTurn() {
    for (const one of histories) {
      events = eventsOf(one.history);
      recorded = recording();
      yield one as { workflowId: string; history: never };
    }
  }
  const during = { callDuringReplay: true };
  const sinks: InjectedSinks<RecorderSinks> = {
    recorder: {
      commands: { ...during, fn: (_, commands) => recorded.commands(commands) },
      signal: { ...during, fn: (_, name) => recorded.signal(name) },
    },
  };
  const replays = Worker.runReplayHistories(
    {
      ...code,
      replayName: replayQueue,
      sinks,
    },
    inTurn(),
  );
  for await (const { error, workflowId } of replays) {
    const told = deedsOfHistory(events, SearchAttribute.Stage);
    const { deeds } = told;
    const code = codeOf(deeds.map(({ deed }) => deed));
    const found = differences(deeds, recorded.deeds, {
      ended: isLast(events.at(-1)),
      replayed: error === undefined,
      before: code === null || code !== codeOf([...recorded.deeds.values()]),
    });
    yield {
      workflowId,
      differences: error && found.length === 0 ? [refused(error, told, recorded.deeds)] : found,
      code,
    };
  }
}
