import { hostname, userInfo } from 'node:os';
import { Client, Connection } from '@temporalio/client';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { GuardConfig } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { SearchAttribute, taskQueue } from '../schemas/workflow.ts';
import { connectServer, type ServerConnection, withoutProxy } from './server/index.ts';
import { asServerError, tellMethods } from './server-errors.ts';

/** gRPC status ALREADY_EXISTS. */
const alreadyExists = 6;
/** IndexedValueType of a search attribute: keyword. */
const keyword = 2;

export interface Temporal {
  client: Client;
  namespace: string;
  /** Where worker and clients of this project meet. */
  taskQueue: string;
  server: ServerConnection;
  /** A connection for a worker. */
  native(): Promise<NativeConnection>;
  close(): Promise<void>;
}

/**
 * Connects to the server that TEMPORAL_ADDRESS, a temporal.toml profile or the configuration names, or to one of our own.
 * Namespace, API key and TLS come from the environment and the profile, as in Temporal's own tools.
 */
export async function connectTemporal(options: {
  config: GuardConfig;
  stateDir: string;
  ui?: boolean;
  /** Of a server of our own. */
  ports?: { port?: number | undefined; uiPort?: number | undefined };
  log: (line: string) => void;
  signal?: AbortSignal | undefined;
}): Promise<Temporal> {
  const { config, log, ports = {}, stateDir, ui = false } = options;
  const profile = readProfile();
  const server = await connectServer({
    configAddress: profile.address ?? config.server.address,
    stateDir,
    ui,
    ...(ports.port === undefined ? {} : { port: ports.port }),
    ...(ports.uiPort === undefined ? {} : { uiPort: ports.uiPort }),
    log,
    signal: options.signal,
  });
  const namespace = profile.namespace ?? config.server.namespace;
  const { connectionOptions } = toClientOptions(profile);
  const target = { ...connectionOptions, address: server.address };
  let connection: Connection | undefined;
  const close = async () => {
    await connection?.close();
    await server.close();
  };
  try {
    connection = await Connection.connect({ ...target, channelArgs: withoutProxy });
    tellMethods(connection);
    await addSearchAttributes(connection, namespace, log);
    return {
      client: new Client({ connection, namespace, identity: identity() }),
      namespace,
      taskQueue: config.server.taskQueue ?? taskQueue,
      server,
      native: () => NativeConnection.connect(target),
      close,
    };
  } catch (cause) {
    await close();
    const said = asServerError(cause, { address: server.address, namespace });
    if (said instanceof GuardError) throw said;
    const message = `the Temporal server at ${server.address} cannot be used: ${(cause as Error).message}`;
    throw new GuardError(ErrorCode.Unavailable, message, { cause });
  }
}

/** Who asks: "ada@laptop". A worker adds its process: "ada@laptop/4711". */
export function identity(): string {
  const names = [() => userInfo().username, () => process.env.USER];
  for (const name of names) {
    try {
      const found = name();
      if (found) return `${found}@${hostname()}`;
    } catch {
      // A container may run as a user that the system does not know.
    }
  }
  return `uid-${process.getuid?.() ?? 'unknown'}@${hostname()}`;
}

export const workerIdentity = (): string => `${identity()}/${process.pid}`;

function readProfile() {
  try {
    return loadClientConfigProfile();
  } catch (cause) {
    const message = `Temporal's connection settings (TEMPORAL_* variables, temporal.toml): ${(cause as Error).message}`;
    throw new GuardError(ErrorCode.BadConfig, message, { cause });
  }
}

async function addSearchAttributes(connection: Connection, namespace: string, log: (line: string) => void) {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SearchAttribute).filter((name) => customAttributes?.[name] === undefined);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, keyword]));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    if ((error as { code?: number }).code === alreadyExists) return;
    const names = missing.map((name) => `${name} (Keyword)`).join(', ');
    log(`Namespace ${namespace} lacks the search attributes ${names}; ask its operator to add them.`);
  }
}
