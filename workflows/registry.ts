import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { incomparable, type RegistryEvent, type RegistryState } from '../schemas/registry.ts';
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

/** Events that the state shows and carries on; the trail before them is in the histories. */
const shownEvents = 50;

export function emptyRegistry(name: string): RegistryState {
  return { name, champion: null, challenger: null, previous: null, aliases: {}, events: [] };
}

/** A change to the state, by kind; pure, so that tests and replays see the same. */
export const changes = {
  register(state: RegistryState, change: RegistryChange, at: string): boolean {
    if (state.champion !== null) return false;
    state.champion = entry(change, at);
    return true;
  },
  propose(state: RegistryState, change: RegistryChange, at: string): boolean {
    if (state.challenger?.model.digest === change.model.digest && state.challenger.from === change.from)
      return false;
    state.challenger = { ...entry(change, at), share: 0, stage: 'proposed' };
    return true;
  },
  route(state: RegistryState, change: RegistryChange & { stage: string; share: number }): boolean {
    const { challenger } = state;
    if (!challenger || !isOf(challenger, change)) return false;
    const moved = challenger.share !== change.share || challenger.stage !== change.stage;
    challenger.share = change.share;
    challenger.stage = change.stage;
    return moved;
  },
  promote(state: RegistryState, change: RegistryChange, at: string): boolean {
    if (state.challenger && isOf(state.challenger, change)) state.challenger = null;
    if (state.champion?.model.digest === change.model.digest) return false;
    state.previous = state.champion;
    state.champion = entry(change, at);
    return true;
  },
  rollback(state: RegistryState, change: RegistryChange): boolean {
    if (!state.challenger || !isOf(state.challenger, change)) return false;
    state.challenger = null;
    return true;
  },
};

function entry({ family, fingerprint, from, model }: RegistryChange, at: string) {
  return {
    model,
    since: at,
    from,
    ...(family === undefined ? {} : { family }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}

/** Another rollout may have proposed the same model. */
function isOf(challenger: { model: { digest: string }; from: string }, change: RegistryChange): boolean {
  return challenger.model.digest === change.model.digest && challenger.from === change.from;
}

/** One model's registry: champion, challenger and aliases. Its history is the audit trail. */
export async function registry(name: string, carried?: RegistryState): Promise<void> {
  const state = carried ?? emptyRegistry(name);
  upsertSearchAttributes([{ key: modelAttribute, value: name }]);
  setHandler(registryStateQuery, () => state);

  const note = (kind: RegistryEvent['kind'], change: RegistryChange, at: string) => {
    state.events.push({ at, kind, digest: change.model.digest, reason: change.reason });
    state.events.splice(0, state.events.length - shownEvents);
  };
  const handler =
    <Change extends RegistryChange>(
      kind: RegistryEvent['kind'],
      apply: (state: RegistryState, change: Change, at: string) => boolean,
    ) =>
    (change: Change): RegistryState => {
      const at = new Date().toISOString();
      if (apply(state, change, at)) note(kind, change, at);
      return state;
    };
  const validator = (change: RegistryChange) => {
    if (!/^sha256:[0-9a-f]{64}$/.test(change?.model?.digest ?? ''))
      throw ApplicationFailure.nonRetryable('the registry takes models by their digest', 'BAD_INPUT');
    if (!change.reason?.trim()) throw ApplicationFailure.nonRetryable('a change needs a reason', 'BAD_INPUT');
  };
  /** Refused changes leave no trace in the history, so that older histories replay. */
  const comparing = {
    validator(change: RegistryChange) {
      validator(change);
      const problem = state.champion && incomparable(name, state.champion, change);
      if (problem) throw ApplicationFailure.nonRetryable(problem, 'BAD_INPUT');
    },
  };
  setHandler(registerUpdate, handler('registered', changes.register), comparing);
  setHandler(proposeUpdate, handler('proposed', changes.propose), comparing);
  setHandler(routeUpdate, handler('routed', changes.route), { validator });
  setHandler(promoteUpdate, handler('promoted', changes.promote), comparing);
  setHandler(rollbackUpdate, handler('rolled_back', changes.rollback), { validator });
  setHandler(
    aliasUpdate,
    handler<RegistryChange & { alias: string }>('alias', (current, change) => {
      const moved = current.aliases[change.alias] !== change.model.digest;
      current.aliases[change.alias] = change.model.digest;
      return moved;
    }),
    { validator },
  );

  await condition(() => workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  await continueAsNew<typeof registry>(name, state);
}
