import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const permissionDenied = 7;
const unavailable = 14;

/** Stands before a Temporal server: every call can be held up or denied for a while. */
export class CallProxy {
  /** Each call waits so long before it goes on. */
  delayMs = 0;
  /** Calls whose path matches are refused as an operator's rules would refuse them. */
  denied: RegExp | null = null;
  readonly address: string;
  private readonly server: Http2Server;
  private readonly target: string;
  private upstream: ClientHttp2Session | null = null;

  private constructor(server: Http2Server, target: string) {
    this.server = server;
    this.target = target;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(target: string): Promise<CallProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new CallProxy(server, target);
    server.on('stream', (stream, headers) => void proxy.pass(stream, headers));
    server.on('sessionError', () => {});
    return proxy;
  }

  close(): void {
    this.upstream?.destroy();
    this.server.close();
  }

  private async pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => {});
    if (this.denied?.test(String(headers[':path']))) {
      refuse(stream, permissionDenied, 'not permitted');
      return;
    }
    if (this.delayMs > 0) await sleep(this.delayMs);
    if (stream.destroyed) return;
    const call = this.session().request(headers);
    let trailers: IncomingHttpHeaders = {};
    // A connection that broke closes its calls, with or without an error.
    for (const event of ['error', 'close'] as const) call.on(event, () => away(stream));
    call.on('response', (answer, flags) => {
      if (stream.destroyed || stream.headersSent) return;
      const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(answer, endStream ? { endStream } : { waitForTrailers: true });
      if (endStream) return;
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      call.pipe(stream);
    });
    call.on('trailers', (last) => {
      trailers = last;
    });
    stream.on('close', () => call.close(constants.NGHTTP2_CANCEL));
    stream.pipe(call);
  }

  private session(): ClientHttp2Session {
    if (this.upstream && !this.upstream.destroyed && !this.upstream.closed) return this.upstream;
    const upstream = connect(`http://${this.target}`);
    upstream.on('error', () => {});
    upstream.on('goaway', () => upstream.close());
    this.upstream = upstream;
    return upstream;
  }
}

/** The server's side of a call is over: whoever waits is told so, unless everything was said. */
function away(stream: ServerHttp2Stream): void {
  if (!stream.writableEnded) refuse(stream, unavailable, 'the server is away');
}

function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed) return;
  if (stream.headersSent) {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  const headers = {
    'content-type': 'application/grpc',
    'grpc-status': String(status),
    'grpc-message': message,
  };
  stream.respond({ ':status': 200, ...headers }, { endStream: true });
}
