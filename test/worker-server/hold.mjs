// Connects to the server of a folder, says so, and holds it until this process is ended.
import { connectServer } from '../../dist/worker/server/index.js';

const server = await connectServer({ stateDir: process.argv[2], log: () => {} });
process.stdout.write(`${server.address}\n`);
setInterval(() => {}, 1_000);
