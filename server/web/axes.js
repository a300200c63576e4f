/* The axes of a plot: scales in pixels, ticks, grid. */
import {colour, FONT} from './canvas.js';
import {linearTicks, logTicks, timeText, timeTicks} from './ticks.js';
import {count, num} from './view.js';

/** Room around a plot for the labels of its axes, in CSS pixels. */
export const ROOM = {left: 52, right: 10, top: 8, bottom: 36};

const X_SPACE = 56; // pixels a tick should have
const Y_SPACE = 30;
const NAME_LENGTH = 14; // characters of a category

/**
 * A scale from data to pixels and back; beyond the ends too.
 * @param {{lo: number, hi: number}} extent
 * @param {number} length in pixels
 * @param {{log?: boolean, up?: boolean}} how `up` for a y axis, whose pixels count from the top
 */
export function plotScale({lo, hi}, length, {log = false, up = false} = {}) {
  const f = log ? Math.log : (v) => v;
  const g = log ? Math.exp : (v) => v;
  const from = f(lo);
  const k = length / (f(hi) - from || 1);

  return {lo, hi, log, length, to: up ? (v) => length - (f(v) - from) * k : (v) => (f(v) - from) * k,
    from: up ? (p) => g(from + (length - p) / k) : (p) => g(from + p / k)};
}

const tickText = (v) => (Number.isInteger(v) && Math.abs(v) >= 1e4 && Math.abs(v) < 1e9 ? count(v) : num(v));
const shortName = (name) => (name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name);

/** The ticks of a scale, those inside it, as [value, text]. */
function ticksOf(scale, {time, categories}, space) {
  const n = Math.max(2, Math.floor(scale.length / space));
  const inside = (v) => v >= scale.lo && v <= scale.hi;

  if (categories) {
    const step = Math.ceil(categories.length / n);
    return categories.flatMap((name, i) => (i % step === 0 && inside(i) ? [[i, shortName(name)]] : []));
  }
  if (time) return timeTicks(scale.lo, scale.hi, n).map((v, _, all) => [v, timeText(v, all[1] - all[0])]);
  const ticks = scale.log ? logTicks(scale.lo, scale.hi, n) : linearTicks(scale.lo, scale.hi, n);
  return ticks.filter(inside).map((v) => [v, tickText(v)]);
}

/**
 * Draws grid, ticks and labels; the context has the plot's corner as its origin.
 * @param {CanvasRenderingContext2D} ctx
 * @param {{x: ReturnType<typeof plotScale>, y: ReturnType<typeof plotScale>}} plot
 * @param {{label: string, time?: boolean, categories?: string[]}} xAxis
 * @param {{label: string}} yAxis
 */
export function drawAxes(ctx, plot, xAxis, yAxis) {
  const {length: width} = plot.x;
  const {length: height} = plot.y;

  ctx.font = FONT;
  ctx.lineWidth = 1;
  ctx.strokeStyle = colour('line');
  ctx.fillStyle = colour('muted');
  ctx.beginPath();
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  for (const [v, text] of ticksOf(plot.x, xAxis, X_SPACE)) {
    const x = Math.round(plot.x.to(v)) + 0.5;
    if (!xAxis.categories) {
      ctx.moveTo(x, 0);
      ctx.lineTo(x, height);
    }
    ctx.fillText(text, x, height + 6);
  }
  ctx.fillText(xAxis.label, width / 2, height + 22);
  ctx.textAlign = 'right';
  ctx.textBaseline = 'middle';
  for (const [v, text] of ticksOf(plot.y, yAxis, Y_SPACE)) {
    const y = Math.round(plot.y.to(v)) + 0.5;
    ctx.moveTo(0, y);
    ctx.lineTo(width, y);
    ctx.fillText(text, -7, y);
  }
  ctx.stroke();
}
