type Environment = Readonly<Record<string, string | undefined>>;

const loopback = ['127.0.0.1', 'localhost', '::1'];

/** gRPC reads http_proxy by itself, for this machine too. A Temporal server is reached directly, as its workers reach it. */
export const withoutProxy = { 'grpc.enable_http_proxy': 0 };

/** The environment for a process that downloads, and then talks to this machine: its proxy is not for that. */
export function directToLoopback(environment: Environment): Record<string, string | undefined> {
  const { NO_PROXY, no_proxy, ...others } = environment;
  const list = [no_proxy || NO_PROXY, ...loopback].filter(Boolean).join(',');
  return { ...others, NO_PROXY: list, no_proxy: list };
}
