/* The marks of a plot: lines, steps, points, the rug. Generators yield how many things they drew, so
 * that the caller can stop after its share of a frame. */
import {drawState} from './canvas.js';

const STEPS_A_CHECK = 256; // things drawn between two looks at the clock
const DENSE = 4000; // points from which on they are counted a place
const ALPHAS = [0, 0.35, 0.55, 0.75, 1]; // of a place with one point, a few, many
export const SHADES = 24;
const FAINT = 0.4; // of the ink of other points
const shareOf = (series) => (series.isFaint ? FAINT : 1);

/**
 * What marks are drawn in: scales, and the colours of series and shades.
 * @typedef {{x: *, y: *, kind: string, strokes: string[], shades: string[]}} Plot
 */

export const isMarked = (series) => series.style === 'points' || series.style === 'rug';

/** Whether a series has marks on the rug: points without a value. */
export function hasRug({style, y}) {
  if (style !== 'points') return style === 'rug';
  for (let i = 0; i < y.length; i++) if (!Number.isFinite(y[i])) return true;
  return false;
}

/** The index of the last finite value, or -1. */
export function lastFinite(y) {
  let i = y.length - 1;
  while (i >= 0 && !Number.isFinite(y[i])) i--;
  return i;
}

/** Where the mark of a point is: on the rug without a value, at the edge outside of the plot. */
export function placeY(plot, series, i) {
  const {length} = plot.y;
  const y = series.style === 'rug' ? NaN : plot.y.to(series.y[i]);
  return Number.isFinite(y) ? Math.min(length, Math.max(0, y)) : length - 7;
}

/** Draws all series. */
export function* drawMarks(ctx, plot, all) {
  for (let k = 0; k < all.length; k++) {
    ctx.strokeStyle = ctx.fillStyle = plot.strokes[k];
    ctx.globalAlpha = shareOf(all[k]);
    if (isMarked(all[k])) yield* drawPoints(ctx, plot, all[k]);
    else yield drawLine(ctx, plot, all[k]);
    ctx.globalAlpha = 1;
  }
  if (plot.kind === 'curves') yield drawEnds(ctx, plot, all);
}

/** Draws a line or steps in the context's colour; `more` makes it wider. */
export function drawLine(ctx, plot, {x, y, style}, more = 0) {
  const isStep = style === 'step';
  let isDown = false;
  let before = 0;

  ctx.lineWidth = (isStep ? 1.8 : 1.2) + more;
  ctx.lineJoin = 'round';
  ctx.beginPath();
  for (let i = 0; i < x.length; i++) {
    const at = plot.x.to(x[i]);
    const to = plot.y.to(y[i]);
    if (!Number.isFinite(to) || !Number.isFinite(at)) {
      isDown = false;
      continue;
    }
    if (isDown && isStep) ctx.lineTo(at, before);
    if (!isDown) ctx.moveTo(at, to);
    else if (!isStep || to !== before) ctx.lineTo(at, to);
    before = to;
    isDown = true;
  }
  ctx.stroke();
  return x.length;
}

/* A stopped curve ends with a dot, one that still runs with a ring. */
function drawEnds(ctx, plot, all) {
  all.forEach((series, k) => {
    const i = lastFinite(series.y);
    if (i < 0 || series.state === 'completed') return;
    ctx.beginPath();
    ctx.arc(plot.x.to(series.x[i]), plot.y.to(series.y[i]), series.state === 'running' ? 3.5 : 2.5, 0, 7);
    ctx.strokeStyle = ctx.fillStyle = plot.strokes[k];
    ctx.lineWidth = 1.5;
    if (series.state === 'running') ctx.stroke();
    else ctx.fill();
  });
  return all.length;
}

/* Where points are many they are counted in cells of 2 × 2 pixels, and a cell is drawn once. */
function* drawPoints(ctx, plot, series) {
  const {x, y} = series;
  const [width, height] = [plot.x.length, plot.y.length];
  const cells = x.length > DENSE && !series.shade ? makeCells(width, height) : null;
  let done = 0;

  for (let i = 0; i < x.length; i++) {
    const at = plot.x.to(x[i]);
    const to = series.style === 'rug' ? NaN : plot.y.to(y[i]);
    if (at >= 0 && at <= width) {
      if (series.shade && plot.shades.length) {
        ctx.fillStyle = ctx.strokeStyle = plot.shades[Math.round(series.shade[i] * (SHADES - 1))];
      }
      if (!Number.isFinite(to)) drawOnRug(ctx, plot, series, at);
      else if (to < 0 || to > height) drawAtEdge(ctx, at, to < 0 ? 1 : height - 1, to < 0);
      else if (cells) cells.counts[(to >> 1) * cells.columns + (at >> 1)]++;
      else drawPoint(ctx, series, at, to);
    }
    if (++done === STEPS_A_CHECK) {
      yield done;
      done = 0;
    }
  }
  yield done;
  if (cells) yield* drawCells(ctx, cells, shareOf(series));
}

/** Draws one point: a dot or the shape of its state. */
export function drawPoint(ctx, series, x, y) {
  const isPlain = series.style !== 'rug' && ['completed', 'running', undefined].includes(series.state);

  if (!isPlain) return drawState(ctx, series.state, x, y, 8, ctx.fillStyle);
  ctx.beginPath();
  ctx.arc(x, y, series.x.length > 600 ? 2 : 2.8, 0, 7);
  if (series.state === 'running') {
    ctx.lineWidth = 1.5;
    return ctx.stroke();
  }
  ctx.globalAlpha = 0.8;
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawOnRug(ctx, plot, series, x) {
  const y = plot.y.length - 7;
  if (series.x.length > plot.x.length / 8 || !series.state) ctx.fillRect(x - 0.5, y - 3, 1, 7);
  else drawState(ctx, series.state, x, y, 8, ctx.fillStyle);
}

function drawAtEdge(ctx, x, y, isTop) {
  const d = isTop ? 5 : -5;
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x - 3, y + d);
  ctx.lineTo(x + 3, y + d);
  ctx.fill();
}

function makeCells(width, height) {
  const columns = (Math.ceil(width) >> 1) + 1;
  return {columns, counts: new Uint32Array(columns * ((Math.ceil(height) >> 1) + 1))};
}

function* drawCells(ctx, {columns, counts}, share) {
  let done = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    if (counts[cell] === 0) continue;
    ctx.globalAlpha = ALPHAS[Math.min(ALPHAS.length - 1, 1 + Math.floor(Math.log2(counts[cell])))] * share;
    ctx.fillRect(2 * (cell % columns), 2 * Math.floor(cell / columns), 2, 2);
    if (++done === STEPS_A_CHECK) {
      yield 0; // its points were counted already
      done = 0;
    }
  }
  ctx.globalAlpha = 1;
}
