/**
 * Loaded before anything else in every thread of a measured process (`node --import`): tells the channel when each session run of
 * ONNX Runtime began and ended, in milliseconds of the system's monotonic clock, which all threads share.
 */
import { BroadcastChannel } from 'node:worker_threads';
import { InferenceSession } from 'onnxruntime-node';
import { channelName, type Interval, now } from './intervals.ts';

const channel = new BroadcastChannel(channelName);
channel.unref();

// The declarations call it a factory; it is the class of every session.
const { prototype } = InferenceSession as unknown as { prototype: InferenceSession };
const run = prototype.run as (...args: unknown[]) => Promise<InferenceSession.ReturnType>;
prototype.run = async function (this: InferenceSession, ...args: unknown[]) {
  const began = now();
  try {
    return await run.apply(this, args);
  } finally {
    channel.postMessage([began, now()] satisfies Interval);
  }
};
