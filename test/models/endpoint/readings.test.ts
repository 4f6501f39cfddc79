import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../models/endpoint/answer.ts';
import { readings } from './readings.ts';

describe.each(Object.entries(readings))('of %s', (_, { options, readings: all }) => {
  it.each(all)('%j is read as %j', (text, index) => {
    expect(readAnswer({ text, top: null }, options).predicted).toBe(index);
  });
});
