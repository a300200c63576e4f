/* Scales, filters and counting for the charts: pure functions, no document, no clock. */

/** Values that have no place on an axis get a lane of their own below it. */
export const LANES = ['null', 'NaN', 'Infinity', '-Infinity'];

/** Rows of bins that an axis is counted in, where lines are too many to be drawn one by one. */
export const BINS = 128;

/**
 * The number of a JSON value, which spells non-finite ones as words; null is NaN.
 * @param {*} value
 */
export function number(value) {
  return typeof value === 'number' ? value : value === null || value === '' ? NaN : Number(value);
}

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

/** How many of the sorted values are smaller than v; `lo` and `hi` bound the answer. */
function lowerBound(sorted, v, lo = 0, hi = sorted.length) {
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (sorted[mid] < v) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/* The same for very many v: a table of equal steps leads near the answer. */
function bounder(sorted) {
  const n = sorted.length;
  const from = sorted[0];
  const k = n / (sorted[n - 1] - from);
  if (n < 1000 || !Number.isFinite(k)) return (v) => lowerBound(sorted, v);
  const stepOf = (v) => Math.min(n, Math.max(0, Math.floor((v - from) * k)));
  const first = new Uint32Array(n + 2).fill(n);
  for (let i = n - 1; i >= 0; i--) first[stepOf(sorted[i])] = i;
  for (let s = n; s >= 0; s--) first[s] = Math.min(first[s], first[s + 1]);
  return (v) => lowerBound(sorted, v, first[stepOf(v)], first[stepOf(v) + 1]);
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

/** Round numbers from lo to hi, about n of them. */
export function linearTicks(lo, hi, n) {
  const rough = (hi - lo) / Math.max(1, n - 1);
  if (!(rough > 0) || !Number.isFinite(rough)) return [lo];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough * 0.999) * power;
  const ticks = [];

  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

/** Powers of ten from lo to hi, thinned to about n; 1, 2 and 5 of each where they are few. */
export function logTicks(lo, hi, n) {
  const first = Math.ceil(Math.log10(lo) - 1e-9);
  const last = Math.floor(Math.log10(hi) + 1e-9);
  const decades = last - first + 1;
  const ticks = [];

  if (decades < 2) {
    const fine = [];
    for (let k = first - 1; k <= last; k++) fine.push(...[1, 2, 5].map((m) => Number(`${m}e${k}`)));
    const inside = fine.filter((v) => v >= lo * 0.999 && v <= hi * 1.001);
    return inside.length > 1 ? inside : linearTicks(lo, hi, n);
  }
  const step = Math.ceil(decades / n);
  for (let k = first; k <= last; k += step) ticks.push(Number(`1e${k}`));
  return ticks;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * SECOND).concat([1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  [1, 2, 3, 6, 12].map((n) => n * HOUR), [1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY));

/** Round moments of local time from lo to hi, in milliseconds since 1970, at most n of them. */
export function timeTicks(lo, hi, n) {
  const step = TIME_STEPS.find((s) => (hi - lo) / s <= n) ?? TIME_STEPS.at(-1);
  const zone = new Date(lo).getTimezoneOffset() * MINUTE;
  const ticks = [];

  for (let t = Math.ceil((lo - zone) / step) * step + zone; t <= hi; t += step) ticks.push(t);
  return ticks;
}

/** A moment as a tick of that step: the time of day, at midnight and above the date. */
export function timeText(ms, step) {
  const d = new Date(ms);
  const two = (v) => String(v).padStart(2, '0');
  const date = `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  const isMidnight = d.getHours() + d.getMinutes() + d.getSeconds() === 0;

  if (step >= DAY || isMidnight) return date;
  return `${two(d.getHours())}:${two(d.getMinutes())}${step < MINUTE ? `:${two(d.getSeconds())}` : ''}`;
}

/* ---- filters ---------------------------------------------------------------------------------- */

/**
 * Ranges by the name of the axis; several on one axis add up, those of different axes must all
 * hold. A range is [low, high], both included, or a word: a lane, or the key of a category.
 * @typedef {Record<string, Array<[number, number] | string>>} Ranges
 */

/** An object with names of parameters for keys: one called constructor or __proto__ is a name like others. */
export const keyedByName = (members = {}) => Object.assign(Object.create(null), members);

/** Reads ranges from the address of a page; what is not a range is left out. */
export function rangesFromText(text) {
  const ranges = keyedByName();
  let given;

  try {
    given = JSON.parse(text);
  } catch {
    return ranges;
  }
  const isRange = (r) => typeof r === 'string'
    || (Array.isArray(r) && r.length === 2 && r.every((v) => typeof v === 'number'));
  for (const [name, list] of Object.entries(given ?? {})) {
    const good = Array.isArray(list) ? list.filter(isRange) : [];
    if (good.length) ranges[name] = good;
  }
  return ranges;
}

/** The text of ranges for an address; '' where there are none. */
export function rangesToText(ranges) {
  const kept = Object.entries(ranges).filter(([, list]) => list.length > 0);
  return kept.length ? JSON.stringify(Object.fromEntries(kept)) : '';
}

function compileAxis(axis, list) {
  const pairs = list.filter(Array.isArray);
  const words = new Set(list.filter((r) => typeof r === 'string'));
  const lanes = [false, ...LANES.map((name) => words.has(name))];
  const allowed = axis.keys.map((key) => words.has(key));

  return {axis, lanes, allowed, lo: pairs.map((p) => Math.min(...p)),
    hi: pairs.map((p) => Math.max(...p))};
}

function passes(test, row) {
  const {axis, lanes, allowed, lo, hi} = test;
  const code = axis.lane[row];
  const v = axis.x[row];

  if (code) return lanes[code];
  if (axis.type === 'category') return allowed[v];
  for (let k = 0; k < lo.length; k++) {
    if (v >= lo[k] && v <= hi[k]) return true;
  }
  return false;
}

/**
 * The rows that pass all ranges.
 * @param {ReturnType<typeof makeAxis>[]} axes
 * @param {Ranges} ranges
 * @param {Uint8Array} [within] only rows that are 1 here
 * @returns {{mask: Uint8Array, count: number}}
 */
export function selectRows(axes, ranges, within, n = axes[0]?.x.length ?? 0) {
  const tests = axes.filter((a) => ranges[a.name]?.length).map((a) => compileAxis(a, ranges[a.name]));
  const mask = new Uint8Array(n);
  let count = 0;

  for (let row = 0; row < n; row++) {
    if ((within === undefined || within[row]) && tests.every((test) => passes(test, row))) {
      mask[row] = 1;
      count++;
    }
  }
  return {mask, count};
}

/** What a brush from t0 to t1 (0..1 along the scale) and the lanes it touches stand for. */
export function brushed(axis, scale, t0, t1, lanes) {
  const words = lanes.map((code) => LANES[code - 1]);
  const [lo, hi] = t0 < t1 ? [t0, t1] : [t1, t0];

  if (hi < 0 || lo > 1) return words;
  if (scale.kind === 'category') {
    return axis.keys.filter((_, i) => scale.to(i) >= lo && scale.to(i) <= hi).concat(words);
  }
  const ends = [lo <= 0 ? scale.lo : scale.from(lo), hi >= 1 ? scale.hi : scale.from(hi)];
  return [ends, ...words];
}

/* ---- order, best, fronts ---------------------------------------------------------------------- */

/**
 * Each row's place among all, from 0 for the best to 1 for the worst; equal values share the better
 * place; NaN without a value.
 * @param {ArrayLike<*>} values
 * @param {string} direction 'minimize' or 'maximize'
 */
export function rankShares(values, direction) {
  const sign = direction === 'maximize' ? -1 : 1;
  const v = new Float64Array(values.length);
  let n = 0;

  for (let i = 0; i < v.length; i++) {
    v[i] = sign * number(values[i]);
    n += v[i] === v[i] ? 1 : 0;
  }
  const below = bounder(v.slice().sort().subarray(0, n)); // NaN is sorted to the end
  for (let i = 0; i < v.length; i++) {
    if (v[i] === v[i]) v[i] = below(v[i]) / Math.max(1, n - 1);
  }
  return v;
}

/** 1 for each row of the best share (0..1), at least one and equal ones too; all for a share of 1. */
export function topShare(ranks, share) {
  const top = new Uint8Array(ranks.length);
  let ranked = 0;

  for (let i = 0; i < ranks.length; i++) ranked += ranks[i] === ranks[i] ? 1 : 0;
  const keep = Math.max(1, Math.ceil(share * ranked));
  const limit = share >= 1 ? Infinity : (keep - 1) / Math.max(1, ranked - 1) + 1e-12;
  for (let i = 0; i < top.length; i++) top[i] = ranks[i] <= limit || limit === Infinity ? 1 : 0;
  return top;
}

/** The best value up to each row; NaN before the first. */
export function bestSoFar(values, direction) {
  const sign = direction === 'maximize' ? -1 : 1;
  let best = NaN;
  return Float64Array.from(values, (v) => {
    if (Number.isFinite(v) && !(sign * best <= sign * v)) best = v;
    return best;
  });
}

/** The rows that no other row is better than in both x and y, by x. */
export function paretoFront(x, y, directionX, directionY) {
  const sx = directionX === 'maximize' ? -1 : 1;
  const sy = directionY === 'maximize' ? -1 : 1;
  const rows = [...x.keys()].filter((i) => Number.isFinite(x[i]) && Number.isFinite(y[i]));
  let best = Infinity;

  rows.sort((a, b) => sx * (x[a] - x[b]) || sy * (y[a] - y[b]));
  return rows.filter((i) => sy * y[i] < best && ((best = sy * y[i]), true));
}

const FEWEST = 20; // fewer values than these have no outliers

/**
 * Where an axis ends: all finite values, or those not far outside the middle half. Bounds beyond
 * which a value is far: three times the middle half's width past it, on a log scale in decades.
 */
export function visibleExtent(x, {clip = false, log = false} = {}) {
  const good = new Float64Array(x.length);
  let [n, least, most] = [0, Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    if (!Number.isFinite(v) || (log && v <= 0)) continue;
    good[n++] = v;
    if (v < least) least = v;
    if (v > most) most = v;
  }
  if (n === 0) return null;
  const whole = {lo: least, hi: most, outside: 0};
  if (!clip || n < FEWEST) return whole;
  const sorted = good.subarray(0, n).sort();
  const [f, g] = log ? [Math.log, Math.exp] : [(v) => v, (v) => v];
  const at = (share) => f(sorted[Math.round(share * (n - 1))]);
  const reach = 3 * (at(0.75) - at(0.25));
  if (!(reach > 0)) return whole;
  const first = lowerBound(sorted, g(at(0.25) - reach));
  const last = lowerBound(sorted, g(at(0.75) + reach) * (1 + 1e-12)) - 1;
  return {lo: sorted[first], hi: sorted[last], outside: n - 1 - last + first};
}

/** An order of 0..n-1 in which any beginning is spread over the whole: no random numbers. */
export function spread(n) {
  const gcd = (a, b) => (b ? gcd(b, a % b) : a);
  const order = new Uint32Array(n);
  let step = Math.max(1, Math.round(n * 0.6180339887));

  while (gcd(n, step) > 1) step++;
  for (let i = 0; i < n; i++) order[i] = (i * step) % n;
  return order;
}

/* ---- bins ------------------------------------------------------------------------------------- */

/** The bin of each row along a scale: BINS of them from bottom to top, then one for each lane. */
export function binRows({x, lane}, scale) {
  const bins = new Uint8Array(x.length);

  for (let i = 0; i < bins.length; i++) {
    bins[i] = lane[i] ? BINS + lane[i] - 1 : Math.min(BINS - 1, Math.max(0, Math.floor(scale.to(x[i]) * BINS)));
  }
  return bins;
}

/**
 * Counts lines between two axes.
 * @param {Uint8Array} a bins of the left axis
 * @param {Uint8Array} b bins of the right one
 * @param {Uint32Array} rows those to count
 * @param {Float64Array} weight summed up per pair of bins beside the count
 */
export function binPairs(a, b, rows, weight) {
  const width = BINS + LANES.length;
  const counts = new Uint32Array(width * width);
  const sums = new Float32Array(width * width);

  for (let k = 0; k < rows.length; k++) {
    const row = rows[k];
    const cell = a[row] * width + b[row];
    counts[cell]++;
    sums[cell] += weight[row];
  }
  return {counts, sums, width};
}

/* ---- colours ---------------------------------------------------------------------------------- */

const VIRIDIS = ['440154', '482475', '414487', '355f8d', '2a788e', '21918c', '22a884', '44bf70',
  '7ad151', 'bddf26', 'fde725'].map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));

/** The viridis colour at t in 0..1 as [red, green, blue]. */
export function viridis(t) {
  const at = Math.min(1, Math.max(0, t)) * (VIRIDIS.length - 1);
  const k = Math.min(VIRIDIS.length - 2, Math.floor(at));
  return VIRIDIS[k].map((c, i) => Math.round(c + (VIRIDIS[k + 1][i] - c) * (at - k)));
}

/** The colour of a rank from 0 (best, stands out most) to 1 (worst) on a dark or light ground. */
export function rankColour(rank, dark) {
  return viridis(dark ? 1 - 0.78 * rank : 0.88 * rank);
}

export const css = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;
