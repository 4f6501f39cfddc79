import { DefaultLogger, makeTelemetryFilterString, Runtime, type RuntimeOptions } from '@temporalio/worker';
import type { LogSettings, MetricsConfig } from '../../schemas/observe.ts';
import { cannotListen, fromEnvironment, listenAt } from './address.ts';
import { logInto, write } from './log.ts';

let installed = false;

/**
 * The SDK's and the workflows' messages go to a file of the project, not between the lines of a command; metrics are served or sent
 * where that is set. The first call of a process counts. @throws GuardError Unavailable where the address of the metrics is taken
 */
export function logTo(
  stateDir: string,
  settings: { logs?: LogSettings; metrics?: MetricsConfig } = {},
): void {
  logInto(stateDir, settings.logs);
  install(settings.logs?.level ?? 'WARN', settings.metrics ?? null);
}

/** Keeps the SDK's messages off the terminal. */
export function quietly(): void {
  install('WARN', null);
}

function install(level: LogSettings['level'], metrics: MetricsConfig): void {
  if (installed) return;
  const logger = new DefaultLogger(level, write);
  const filter = makeTelemetryFilterString({ core: level, other: 'ERROR' });
  const telemetryOptions = {
    logging: { forward: {}, filter },
    ...(metrics ? { metrics: exporter(metrics) } : {}),
  };
  try {
    // The command line ends workers itself, in order; the SDK's own signal handling would race with it.
    Runtime.install({ logger, shutdownSignals: [], telemetryOptions });
  } catch (cause) {
    if (metrics && 'prometheus' in metrics)
      throw cannotListen('observe.metrics.prometheus', metrics.prometheus, cause);
    throw cause;
  }
  installed = true;
}

function exporter(
  metrics: NonNullable<MetricsConfig>,
): NonNullable<NonNullable<RuntimeOptions['telemetryOptions']>['metrics']> {
  if ('prometheus' in metrics) {
    const { host, port } = listenAt(metrics.prometheus);
    return { prometheus: { bindAddress: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` } };
  }
  const { headers, protocol, url } = metrics.otlp;
  return {
    otel: {
      url,
      http: protocol === 'http',
      headers: fromEnvironment('observe.metrics.otlp.headers', headers),
    },
  };
}
