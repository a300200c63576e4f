/* Where an axis has ticks, and how those of time read: pure functions. */

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
