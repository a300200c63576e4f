/* Ranges on axes: as text in an address, and the rows that are in them. Pure functions. */
import {LANES} from './scales.js';

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
