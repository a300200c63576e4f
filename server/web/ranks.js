/* Order among values: ranks, best, fronts, what is far outside. Pure functions. */

/**
 * The number of a JSON value, which spells non-finite ones as words; null is NaN.
 * @param {*} value
 */
export function number(value) {
  return typeof value === 'number' ? value : value === null || value === '' ? NaN : Number(value);
}

/** How many of the sorted values are smaller than v; `lo` and `hi` bound the answer. */
export function lowerBound(sorted, v, lo = 0, hi = sorted.length) {
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
