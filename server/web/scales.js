/* The axes of the charts and their scales: pure functions, no document, no clock. */
import {lowerBound, number} from './ranks.js';
import {linearTicks, logTicks} from './ticks.js';

/** Values that have no place on an axis get a lane of their own below it. */
export const LANES = ['null', 'NaN', 'Infinity', '-Infinity'];

/** 1 + the index in LANES of a value that has no place on an axis, else 0. */
function laneOf(value) {
  if (value === null || value === undefined) {
    return 1;
  }
  return 1 + LANES.indexOf(typeof value === 'number' && !Number.isFinite(value)
    ? String(value) : typeof value === 'string' ? value : '');
}

/** The key of a category: its JSON, so that 1 and '1' differ. */
export const keyOf = (value) => JSON.stringify(value);

/** How a key is shown: a string without its quotes. */
export function labelOf(key) {
  return key.startsWith('"') ? JSON.parse(key) : key;
}

/* Keys in the order of the choices, else by value. */
function sortKeys(keys, choices) {
  const chosen = [...new Set((choices ?? []).map(keyOf))];
  const rest = keys.filter((key) => !chosen.includes(key));
  rest.sort((a, b) => number(a) - number(b) || (a < b ? -1 : a > b ? 1 : 0));
  return [...chosen.filter((key) => keys.includes(key)), ...rest];
}

/* Fills x with the index of each value's key and returns the keys and the ends; a value's JSON is made once. */
function fillCategories(values, choices, x, lane) {
  const byValue = new Map();
  const byKey = new Map();
  const indexOf = (value) => {
    const key = keyOf(value);
    if (!byKey.has(key)) byKey.set(key, byKey.size);
    if (typeof value !== 'object') byValue.set(value, byKey.get(key));
    return byKey.get(key);
  };

  for (let i = 0; i < x.length; i++) {
    const value = values[i];
    lane[i] = value === null || value === undefined ? 1 : 0;
    x[i] = lane[i] ? NaN : byValue.get(value) ?? indexOf(value);
  }
  const found = [...byKey.keys()];
  const keys = sortKeys(found, choices);
  const place = found.map((key) => keys.indexOf(key));
  for (let i = 0; i < x.length; i++) if (!lane[i]) x[i] = place[x[i]];
  return {lo: keys.length ? 0 : Infinity, hi: keys.length ? keys.length - 1 : -Infinity, keys};
}

/* Fills x with finite numbers and returns the least and the most of them. */
function fillNumbers(values, x, lane) {
  let lo = Infinity;
  let hi = -Infinity;

  for (let i = 0; i < x.length; i++) {
    let v = values[i];
    if (typeof v !== 'number' || v - v !== 0) {
      lane[i] = laneOf(v);
      v = lane[i] ? NaN : Number(v);
    }
    x[i] = v;
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  return {lo, hi, keys: []};
}

/**
 * A column of one axis as typed arrays.
 * @param {{name: string, type: string, values: ArrayLike<*>, choices?: any[]}} source
 * @returns {{name: string, type: string, x: Float64Array, lane: Uint8Array, lanes: number[],
 *   keys: string[], lo: number, hi: number, varies: boolean}} `lane` is 0 where `x` is finite;
 *   `lanes` holds the codes that occur
 */
export function makeAxis({name, type, values, choices}) {
  const x = new Float64Array(values.length);
  const lane = new Uint8Array(values.length);
  const {lo, hi, keys} = type === 'category' ? fillCategories(values, choices, x, lane) : fillNumbers(values, x, lane);
  const lanes = [1, 2, 3, 4].filter((code) => lane.includes(code));
  return {name, type, x, lane, lanes, keys, lo, hi,
    varies: lo < hi || lanes.length + (lo <= hi ? 1 : 0) > 1};
}

/* ---- scales ----------------------------------------------------------------------------------- */

function linear(lo, hi) {
  const span = hi - lo || 1;
  const from = hi > lo ? lo : lo - 0.5;
  return {kind: 'linear', lo, hi, to: (v) => (v - from) / span, from: (t) => from + t * span,
    ticks: (n) => linearTicks(lo, hi, n)};
}

function logarithmic(lo, hi) {
  const inner = linear(Math.log(lo), Math.log(hi));
  return {kind: 'log', lo, hi, to: (v) => inner.to(Math.log(v)),
    from: (t) => Math.exp(inner.from(t)), ticks: (n) => logTicks(lo, hi, n)};
}

/** Equal values share the middle of their ranks; between two values the place is interpolated. */
function quantile(x) {
  const sorted = x.filter(Number.isFinite).sort();
  const at = [];
  const place = [];

  for (let i = 0, next; i < sorted.length; i = next) {
    next = i + 1;
    while (next < sorted.length && sorted[next] === sorted[i]) next++;
    at.push(sorted[i]);
    place.push((i + next - 1) / 2 / Math.max(1, sorted.length - 1));
  }
  const between = (a, b, v) => {
    const k = lowerBound(a, v);
    if (k === a.length) return b[k - 1];
    return k === 0 || a[k] === v ? b[k] : b[k - 1] + (b[k] - b[k - 1]) * (v - a[k - 1]) / (a[k] - a[k - 1]);
  };
  return {kind: 'quantile', lo: at[0], hi: at.at(-1), to: (v) => between(at, place, v),
    from: (t) => between(place, at, t),
    ticks: (n) => [...new Set(Array.from({length: n}, (_, i) => between(place, at, i / (n - 1))))]};
}

function categories(keys) {
  const n = keys.length || 1;
  return {kind: 'category', lo: 0, hi: n - 1, to: (v) => (v + 0.5) / n, from: (t) => t * n - 0.5,
    ticks: () => keys.map((_, i) => i)};
}

/**
 * A scale from the values of an axis to 0..1 and back.
 * @param {ReturnType<typeof makeAxis>} axis
 * @param {string} kind 'linear', 'log' (linear where a value is not positive), 'quantile'; an axis
 *   of categories has only one
 */
export function makeScale(axis, kind) {
  if (axis.type === 'category') return categories(axis.keys);
  if (!(axis.lo <= axis.hi)) return linear(0, 1);
  if (kind === 'quantile') return quantile(axis.x);
  return kind === 'log' && axis.lo > 0 ? logarithmic(axis.lo, axis.hi) : linear(axis.lo, axis.hi);
}

/** The scales that an axis can have, the one it starts with first. */
export function kindsOf(axis) {
  if (axis.type === 'category') return ['category'];
  const kinds = axis.lo > 0 ? ['linear', 'log', 'quantile'] : ['linear', 'quantile'];
  return axis.type === 'log' && axis.lo > 0 ? ['log', 'linear', 'quantile'] : kinds;
}
