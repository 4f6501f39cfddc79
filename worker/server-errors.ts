import type { Connection } from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { chain, GrpcCode, refusal } from './failures.ts';

/** Calls to the server that failed, in words: which one, and who can do something about it. */

const methodKey = 'temporalMethod';

/** Lets the errors of a connection's calls tell which call it was. */
export function tellMethods(connection: Connection): void {
  for (const name of ['workflowService', 'operatorService'] as const) {
    const service = connection[name];
    const named = new Proxy(service, {
      get(target, key, receiver) {
        const method: unknown = Reflect.get(target, key, receiver);
        if (typeof method !== 'function' || typeof key !== 'string') return method;
        return (...args: unknown[]) => {
          const answer: unknown = method.apply(target, args);
          if (!(answer instanceof Promise)) return answer;
          return answer.catch((error: unknown) => {
            if (error instanceof Error)
              Object.defineProperty(error, methodKey, { value: key, configurable: true });
            throw error;
          });
        };
      },
    });
    Object.defineProperty(connection, name, { value: named });
  }
}

/** A call that the server refused, as a GuardError that says what to do; any other error as it is. */
export function asServerError(error: unknown, where: { address: string; namespace: string }): unknown {
  if (error instanceof GuardError) return error;
  const refused = refusal(error);
  if (refused === null) return error;
  const { code, details } = refused;
  const server = `the Temporal server at ${where.address}`;
  const call = callOf(error);
  const wrong = (message: string, what: ErrorCode = ErrorCode.Unavailable) =>
    new GuardError(what, message, { cause: error });
  switch (code) {
    case GrpcCode.PermissionDenied:
    case GrpcCode.Unauthenticated:
      return wrong(
        `${server} does not let us call ${call} in the namespace "${where.namespace}" (${details}): ` +
          'its operator has to allow that, or give other credentials (TEMPORAL_API_KEY, TLS, a profile of temporal.toml)',
      );
    case GrpcCode.NotFound:
      if (!/namespace/i.test(details)) return error;
      return wrong(
        `${server} has no namespace "${where.namespace}"; its operator makes one: ` +
          `temporal operator namespace create --namespace ${where.namespace}. Or name another: "server.namespace", TEMPORAL_NAMESPACE`,
        ErrorCode.BadConfig,
      );
    case GrpcCode.Unavailable:
      return wrong(`${server} cannot be reached any more (${details}); what runs there goes on when it can`);
    case GrpcCode.DeadlineExceeded:
      return wrong(`${server} did not answer ${call} in time (${details}); try again`);
    case GrpcCode.ResourceExhausted:
      return wrong(`${server} takes no more calls now (${call}: ${details}); try again later`);
    case GrpcCode.Unimplemented:
      return wrong(`${server} does not know ${call} (${details}): it is older than what is needed`);
    case GrpcCode.InvalidArgument:
    case GrpcCode.FailedPrecondition:
      return wrong(`${server} refused ${call} (${details})`);
    default:
      return wrong(`${server} failed at ${call} (${details || `gRPC status ${code}`}); try again`);
  }
}

/** "DescribeTaskQueue" */
function callOf(error: unknown): string {
  for (const at of chain(error)) {
    const method = (at as unknown as Record<string, unknown>)[methodKey];
    if (typeof method === 'string') return `${method.slice(0, 1).toUpperCase()}${method.slice(1)}`;
  }
  return 'a method';
}
