import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A proxy for HTTP: refuses everything with a status, or leads everything to one port of this machine. */
export interface TestProxy {
  address: string;
  /** Methods and addresses that it was asked for, and with which credentials. */
  asked: { what: string; authorization: string | null }[];
  close(): Promise<void>;
}

export async function startProxy(does: { status: number } | { leadTo: number }): Promise<TestProxy> {
  const asked: TestProxy['asked'] = [];
  const note = ({ headers, method, url }: IncomingMessage) =>
    asked.push({ what: `${method} ${url}`, authorization: headers['proxy-authorization'] ?? null });
  const server = createServer((incoming, outgoing) => {
    note(incoming);
    if ('status' in does) return outgoing.writeHead(does.status).end('by policy');
    const { pathname } = new URL(incoming.url!);
    const { headers, method } = incoming;
    const onward = request({ host: '127.0.0.1', port: does.leadTo, path: pathname, method, headers });
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket) => {
    note(incoming);
    socket.on('error', () => {});
    if ('status' in does) return socket.end(`HTTP/1.1 ${does.status} by policy\r\n\r\n`);
    const onward = connect(does.leadTo, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, asked, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
