import {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  type DuckDBValueConverter,
  JSDuckDBValueConverter,
} from '@duckdb/node-api';

const [second, day] = [1_000_000_000n, 86_400_000_000_000n];
const latest = 8_640_000_000_000_000n;

/** Nanoseconds since 1970 in UTC; undefined: the value is no point in time. */
function nanosecondsOf(value: unknown): bigint | undefined {
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
    return value.micros * 1000n;
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.nanos;
  if (value instanceof DuckDBTimestampMillisecondsValue) return value.millis * 1_000_000n;
  if (value instanceof DuckDBTimestampSecondsValue) return value.seconds * second;
  if (value instanceof DuckDBDateValue) return BigInt(value.days) * day;
  return undefined;
}

/** "2026-03-01T12:00:00.123456Z": with milliseconds, and more digits where there are more. */
function isoOf(nanoseconds: bigint, shown: string): string {
  const rest = ((nanoseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const milliseconds = (nanoseconds - rest) / 1_000_000n;
  if (milliseconds > latest || milliseconds < -latest) return shown;
  const digits = rest === 0n ? '' : String(rest).padStart(6, '0').replace(/000$/, '');
  return new Date(Number(milliseconds)).toISOString().replace('Z', `${digits}Z`);
}

/** A number where JavaScript keeps all of it. */
function decimalOf(value: DuckDBDecimalValue): number | string {
  const number = value.toDouble();
  const exact = value.toString();
  return Number(exact) === number && String(exact).replace(/[-.]/g, '').length <= 15 ? number : exact;
}

/**
 * What a cell is in JavaScript: whole numbers beyond 2^53 as bigint, points in time as ISO texts in UTC, other times and durations as
 * text; lists and structs hold the same.
 */
export const plainValue: DuckDBValueConverter<unknown> = (value, type, converter) => {
  if (value === null || value === undefined) return null;
  const time = nanosecondsOf(value);
  if (time !== undefined) return isoOf(time, String(value));
  if (value instanceof DuckDBDecimalValue) return decimalOf(value);
  const isText = [DuckDBTimeValue, DuckDBTimeTZValue, DuckDBIntervalValue].some(
    (one) => value instanceof one,
  );
  if (isText) return String(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return (JSDuckDBValueConverter as DuckDBValueConverter<unknown>)(value, type, converter);
};
