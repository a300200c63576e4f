/* Where attempts and idle time of workers stand in time: pure. */

export const ROW = 28;
export const BAR = 18;

const MINUTE = 60_000;

/**
 * @typedef {{from: number, to: number}} Range in ms since 1970
 * @typedef {{lane: number, k: number, span: any, from: number, to: number}} Place
 */

/** The time that lanes are about, from the first thing in it; at least a minute. */
export function wholeRange({from_ms: from, to_ms: to, items}) {
  let first = to;
  for (const item of items) {
    for (const span of item.spans) first = Math.min(first, span.started_ms);
    for (const gap of item.idle) first = Math.min(first, gap.from_ms);
  }
  return {from: Math.min(Math.max(from, first), to - MINUTE), to};
}

/** A range around a moment, larger or smaller by a factor, inside the whole one. */
export function zoomed(range, whole, at, factor) {
  const length = Math.min(whole.to - whole.from, Math.max(1000, (range.to - range.from) * factor));
  const share = (at - range.from) / (range.to - range.from);
  return inside({from: at - share * length, to: at - share * length + length}, whole);
}

/** The same length, moved. */
export const moved = (range, whole, by) => inside({from: range.from + by, to: range.to + by}, whole);

function inside({from, to}, whole) {
  const by = from < whole.from ? whole.from - from : to > whole.to ? whole.to - to : 0;
  return {from: Math.max(whole.from, from + by), to: Math.min(whole.to, to + by)};
}

/** From a moment to pixels. */
export const placeOf = (range, width) => (ms) => (ms - range.from) / (range.to - range.from) * width;

const endOf = (span, now) => span.ended_ms ?? now;

/** The attempts of a lane that touch a range. */
export function spansIn(item, range, now) {
  return item.spans.flatMap((span, k) => {
    const to = endOf(span, now);
    return span.started_ms < range.to && to > range.from ? [{span, k, from: span.started_ms, to}] : [];
  });
}

/** The attempt at a place in pixels, or null; very short ones are found within two pixels. */
export function spanAt(items, range, width, now, x, y) {
  const lane = Math.floor(y / ROW);
  const item = items[lane];
  if (!item || x < 0 || x > width) return null;
  const at = placeOf(range, width);
  const found = spansIn(item, range, now).find(({from, to}) => x >= at(from) - 2 && x <= Math.max(at(to), at(from) + 2) + 2);
  return found ? {lane, ...found} : null;
}

/** The idle time at a place in pixels, or null. */
export function idleAt(items, range, width, x, y) {
  const item = items[Math.floor(y / ROW)];
  const ms = range.from + x / width * (range.to - range.from);
  return item?.idle.find((gap) => ms >= gap.from_ms && ms < gap.to_ms) ?? null;
}

/**
 * The next attempt from one: before or after in its lane, or the one nearest in time in the lane
 * above or below that has any.
 */
export function neighbour(items, from, dx, dy, now) {
  const place = (lane, k) => ({lane, k, span: items[lane].spans[k], from: items[lane].spans[k].started_ms,
    to: endOf(items[lane].spans[k], now)});
  if (dx) {
    const k = from.k + dx;
    return k >= 0 && k < items[from.lane].spans.length ? place(from.lane, k) : from;
  }
  for (let lane = from.lane + dy; lane >= 0 && lane < items.length; lane += dy) {
    const {spans} = items[lane];
    if (spans.length === 0) continue;
    const far = (k) => Math.abs(spans[k].started_ms - from.from);
    return place(lane, spans.reduce((best, _, k) => (far(k) < far(best) ? k : best), 0));
  }
  return from;
}

/** How much of a range the lanes were busy: 0 to 1. */
export function busyShare(items, range, now) {
  const length = (range.to - range.from) * items.length;
  const busy = items.reduce((sum, item) => sum + spansIn(item, range, now).reduce((s, {from, to}) =>
    s + Math.min(to, range.to) - Math.max(from, range.from), 0), 0);
  return length > 0 ? busy / length : 0;
}
