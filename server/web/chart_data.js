/* What a <hone-chart> is given, made ready to be drawn. Pure functions. */
import {moment, num} from './view.js';

/** The trial that a point stands for; null: none. */
export const numberAt = (series, i) => series.number ?? series.numbers?.[i] ?? null;

/** What is drawn, as rows under a head. */
export function tableOf({kind, series = [], bars: all = [], x, y}) {
  if (kind === 'bars') return [['name', 'value', 'low', 'high'], ...all.map((b) => [b.label, num(b.value), num(b.low), num(b.high)])];
  const at = (v) => (x.time ? moment(v) : x.categories ? x.categories[Math.round(v)] : num(v));
  return [['trial', 'series', x.label, y.label], ...series.flatMap((s) => Array.from(s.x, (v, i) =>
    [numberAt(s, i) ?? '', s.state ?? s.label, at(v), num(s.y[i])]))];
}

/** Points of a category stand side by side, each always at the same place. */
export function scattered(series) {
  const shift = (i) => ((numberAt(series, i) ?? i) * 0.618034 % 1 - 0.5) * 0.5;
  return {...series, x: Float64Array.from(series.x, (v, i) => v + shift(i))};
}

/** No value is zero or less. */
export function arePositive(values) {
  for (let i = 0; i < values.length; i++) if (values[i] <= 0) return false;
  return true;
}

/** Several columns as one. */
export function joined(columns) {
  if (columns.length === 1) return columns[0];
  const all = new Float64Array(columns.reduce((n, x) => n + x.length, 0));
  let at = 0;
  for (const x of columns) {
    all.set(x, at);
    at += x.length;
  }
  return all;
}

/** Some room beyond the outermost points. */
export function widen({lo, hi, outside}, log) {
  if (log) {
    const f = hi > lo ? (hi / lo) ** 0.04 : 2;
    return {lo: lo / f, hi: hi * f, outside};
  }
  const pad = hi > lo ? (hi - lo) * 0.04 : Math.abs(hi) * 0.1 || 1;
  return {lo: lo - pad, hi: hi + pad, outside};
}

/** Points by the number of their trial, the first to the last; failed and running ones stand apart. */
export function shadeByOrder(all) {
  const last = all.reduce((n, s) => Math.max(n, s.numbers?.at?.(-1) ?? 0), 1);
  for (const s of all) {
    if (s.numbers && s.state !== 'failed' && s.state !== 'running') s.shade ??= Float64Array.from(s.numbers, (n) => n / last);
  }
}
