import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { RegistryEvent, RegistryState } from '../schemas/registry.ts';
import { keepHistory, nameCode } from './evidence.ts';
import {
  aliasUpdate,
  modelAttribute,
  promoteUpdate,
  proposeUpdate,
  type RegistryChange,
  registerUpdate,
  registryStateQuery,
  rollbackUpdate,
  routeUpdate,
} from './messages.ts';
import { type ChangeKind, changes, emptyRegistry, objection } from './registry-rules.ts';

/** Events that the state shows and carries on at least; those before them go into the store. */
const shownEvents = 50;

const { keepTrail } = proxyActivities<Pick<Activities, 'keepTrail'>>({
  summary: 'keepTrail',
  startToCloseTimeout: 60_000,
  retry: { initialInterval: 1000, maximumInterval: 600_000 },
});

/** One model's registry: champion, challenger and aliases. Its history is the audit trail. */
export async function registry(name: string, carried?: RegistryState): Promise<void> {
  nameCode();
  const state = carried ?? emptyRegistry(name);
  upsertSearchAttributes([{ key: modelAttribute, value: name }]);
  setHandler(registryStateQuery, () => state);

  const note = (kind: RegistryEvent['kind'], { from, model, reason }: RegistryChange, at: string) => {
    state.events.push({ at, kind, digest: model.digest, reason, from });
  };
  const handler =
    <Change extends RegistryChange>(
      kind: RegistryEvent['kind'],
      apply: (state: RegistryState, change: Change, at: string) => boolean,
    ) =>
    (change: Change): RegistryState => {
      const at = new Date().toISOString();
      giveBackExpired(state, at);
      if (apply(state, change, at)) note(kind, change, at);
      // An answer stays in the history: all events in each of them would fill it.
      return { ...state, events: state.events.slice(-1) };
    };
  /** Refused changes leave no trace in the history, so that older histories replay. */
  const validatorOf = (kind: ChangeKind) => ({
    validator(change: RegistryChange) {
      const refusal = objection(state, kind, change, Date.now());
      if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
    },
  });
  setHandler(registerUpdate, handler('registered', changes.register), validatorOf('register'));
  setHandler(proposeUpdate, handler('proposed', changes.propose), validatorOf('propose'));
  setHandler(routeUpdate, handler('routed', changes.route), validatorOf('route'));
  setHandler(promoteUpdate, handler('promoted', changes.promote), validatorOf('promote'));
  setHandler(rollbackUpdate, handler('rolled_back', changes.rollback), validatorOf('rollback'));
  setHandler(aliasUpdate, handler('alias', changes.alias), validatorOf('alias'));

  while (!workflowInfo().continueAsNewSuggested) {
    const lease = state.challenger?.leaseUntil;
    const due = () =>
      workflowInfo().continueAsNewSuggested ||
      state.challenger?.leaseUntil !== lease ||
      state.events.length >= 2 * shownEvents;
    if (lease === undefined) await condition(due);
    else await condition(due, Math.max(1, Date.parse(lease) - Date.now()));
    giveBackExpired(state, new Date().toISOString());
    if (state.events.length >= 2 * shownEvents) await shorten(state);
  }
  await keepHistory({ outcome: 'continued' });
  await condition(allHandlersFinished);
  await continueAsNew<typeof registry>(name, state);
}

/** A challenger whose rollout is gone: it was ended from outside, or has not been heard of for longer than its lease. */
function giveBackExpired(state: RegistryState, at: string): void {
  const { challenger } = state;
  if (!challenger?.leaseUntil || Date.parse(challenger.leaseUntil) > Date.parse(at)) return;
  const { from, leaseUntil, model } = challenger;
  state.challenger = null;
  const reason = `${from} did not renew its place by ${leaseUntil}; all requests go to the champion`;
  state.events.push({ at, kind: 'expired', digest: model.digest, reason, from });
}

/** Moves the older events into the store. */
async function shorten(state: RegistryState): Promise<void> {
  const events = state.events.slice(0, -shownEvents);
  if (patched('the trail is in the store')) {
    state.trail = await keepTrail({ name: state.name, previous: state.trail ?? null, events });
  }
  state.events.splice(0, events.length);
}
