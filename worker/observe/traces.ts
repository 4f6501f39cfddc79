import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { ObserveConfig } from '../../schemas/observe.ts';
import { fromEnvironment } from './address.ts';

const packages = ['@temporalio/interceptors-opentelemetry', '@opentelemetry/exporter-trace-otlp-http'];
const service = 'modality-guard';

export interface Tracing {
  /** Modules that the workflows' bundle needs. */
  modules: string[];
  options: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** Sends what is left. */
  close(): Promise<void>;
}

/**
 * Spans of workflows and steps for a worker. The packages are loaded when they are needed: they are not installed with this one.
 * @throws GuardError BadConfig where they are absent
 */
export async function startTracing(traces: NonNullable<ObserveConfig['traces']>): Promise<Tracing> {
  const { exporter, interceptors, resources, sdk } = await load();
  const { headers, url } = traces.otlp;
  const resource = new resources.Resource({ 'service.name': service });
  const secret = fromEnvironment('observe.traces.otlp.headers', headers);
  const processor = new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter({ url, headers: secret }), {
    scheduledDelayMillis: 1000,
  });
  const tracer = new sdk.BasicTracerProvider({ resource, spanProcessors: [processor] }).getTracer(service);
  return {
    modules: [fileURLToPath(new URL(`./workflow-spans${extname(import.meta.url)}`, import.meta.url))],
    options: {
      sinks: { exporter: interceptors.makeWorkflowExporter(processor, resource) as never },
      interceptors: {
        activity: [
          (context) => ({
            inbound: new interceptors.OpenTelemetryActivityInboundInterceptor(context, { tracer }),
            outbound: new interceptors.OpenTelemetryActivityOutboundInterceptor(context),
          }),
        ],
      },
    },
    close: () => processor.shutdown(),
  };
}

async function load() {
  try {
    const [interceptors, exporter, sdk, resources] = await Promise.all([
      import('@temporalio/interceptors-opentelemetry'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/resources'),
    ]);
    return { interceptors, exporter, sdk, resources };
  } catch (cause) {
    const message = `observe.traces needs packages that are not installed; run \`npm install ${packages.join(' ')}@0.57\` beside modality-guard`;
    throw new GuardError(ErrorCode.BadConfig, message, { cause });
  }
}
