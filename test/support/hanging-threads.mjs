// Preloaded into a worker (NODE_OPTIONS=--import): a computing thread that begins while $GUARD_HANG, a named pipe, is there hangs in a
// system call until somebody writes into it.
import { existsSync, openSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

const pipe = process.env.GUARD_HANG;
if (!isMainThread && workerData?.abort && existsSync(pipe)) openSync(pipe, 'r');
