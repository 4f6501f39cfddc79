import { type Challenger, holds, incomparable, type RegistryState } from '../schemas/registry.ts';
import type { RegistryChange } from './messages.ts';

/** What the registry takes, and how it changes: pure, so that tests and replays see the same. */

export function emptyRegistry(name: string): RegistryState {
  return { name, champion: null, challenger: null, previous: null, aliases: {}, events: [] };
}

/** A change to the state, by kind. @returns whether something moved */
export const changes = {
  register(state: RegistryState, change: RegistryChange, at: string): boolean {
    if (state.champion !== null) return false;
    state.champion = entry(change, at);
    return true;
  },
  propose(state: RegistryState, change: RegistryChange, at: string): boolean {
    const { challenger } = state;
    if (challenger && isOf(challenger, change)) {
      Object.assign(challenger, lease(change, at));
      return false;
    }
    const against = state.champion?.model.digest;
    state.challenger = {
      ...entry(change, at),
      share: 0,
      stage: 'proposed',
      ...(change.leaseSeconds === undefined || against === undefined ? {} : { against }),
      ...lease(change, at),
    };
    return true;
  },
  route(
    state: RegistryState,
    change: RegistryChange & { stage: string; share: number },
    at: string,
  ): boolean {
    const { challenger } = state;
    if (!challenger || !isOf(challenger, change)) return false;
    const moved = challenger.share !== change.share || challenger.stage !== change.stage;
    Object.assign(challenger, { share: change.share, stage: change.stage, ...lease(change, at) });
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
  alias(state: RegistryState, change: RegistryChange & { alias: string }): boolean {
    const moved = state.aliases[change.alias] !== change.model.digest;
    state.aliases[change.alias] = change.model.digest;
    return moved;
  },
};
export type ChangeKind = keyof typeof changes;

/** Why a change is not taken, for people, and which kind of reason that is. */
export interface Objection {
  code: 'BAD_INPUT' | 'REGISTRY_BUSY' | 'PLACE_LOST';
  message: string;
}

/** Why a change is not taken; null: it is. `now` in milliseconds. */
export function objection(
  state: RegistryState,
  kind: ChangeKind,
  change: RegistryChange,
  now: number,
): Objection | null {
  if (!/^sha256:[0-9a-f]{64}$/.test(change?.model?.digest ?? ''))
    return { code: 'BAD_INPUT', message: 'the registry takes models by their digest' };
  if (!change.reason?.trim()) return { code: 'BAD_INPUT', message: 'a change needs a reason' };
  const { challenger, champion, name } = state;
  const compares = kind === 'register' || kind === 'propose' || kind === 'promote';
  const problem = compares && champion ? incomparable(name, champion, change) : null;
  if (problem) return { code: 'BAD_INPUT', message: problem };

  const ours = challenger !== null && isOf(challenger, change);
  const busy = challenger !== null && holds(challenger, now) && !ours ? challenger : null;
  const takes = (kind === 'propose' && !change.renew) || (kind === 'promote' && change.direct);
  if (busy && takes) return occupied(name, busy);
  const moves = kind === 'route' || kind === 'promote' || change.renew;
  if (!moves || change.direct) return null;
  // A promotion that was taken, and whose answer was lost on its way.
  if (kind === 'promote' && challenger === null && champion?.model.digest === change.model.digest)
    return null;
  const lost = (why: string): Objection => ({
    code: 'PLACE_LOST',
    message: `"${name}" is not changed by ${change.from}: ${why}; the comparison has to begin again`,
  });
  if (challenger === null || !ours) {
    return lost(
      challenger === null
        ? 'it leads no challenger any more'
        : `the challenger is ${short(challenger.model.digest)} of ${challenger.from} now`,
    );
  }
  // The clock may strike while no worker runs: then the change comes before the registry has given the place back.
  if (challenger.leaseUntil !== undefined && !holds(challenger, now))
    return lost(`it did not renew its place by ${challenger.leaseUntil}`);
  if (change.champion !== undefined && change.champion !== champion?.model.digest) {
    const now = champion ? short(champion.model.digest) : 'absent';
    return lost(`the challenger was compared with ${short(change.champion)}, and the champion is ${now} now`);
  }
  return null;
}

function occupied(name: string, { from, leaseUntil, model, stage }: Challenger): Objection {
  const message =
    `"${name}" has a challenger, ${short(model.digest)} of ${from} (stage ${stage}, held until ${leaseUntil}): ` +
    `wait for its end, or end it with \`modality-guard cancel ${from}\``;
  return { code: 'REGISTRY_BUSY', message };
}

function lease({ leaseSeconds }: RegistryChange, at: string): { leaseUntil?: string } {
  if (leaseSeconds === undefined) return {};
  return { leaseUntil: new Date(Date.parse(at) + leaseSeconds * 1000).toISOString() };
}

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

const short = (digest: string) => digest.slice(0, 15);
