/* The lines of <hone-parcoords>: one by one while they are few, else as a picture of counts. `plot` is the
 * element. */
import {channels, colour, context, isDark, isForced} from './canvas.js';
import {css, rankColour} from './colours.js';
import {addPairs, binPairs, binPlaces, develop, makePicture} from './raster.js';
import {spread} from './ranks.js';

const MOST_LINES = 20_000; // more are drawn as a picture
const SHADES = 32;
const LINES_A_CHECK = 32;

/* The counts of rows as cells, a pair of axes at a time. */
function* pictureOf(plot, rows) {
  const picture = makePicture(plot.width, plot.total + 2);
  const places = binPlaces(plot.height, plot.laneY);
  for (let k = 0; k + 1 < plot.order.length; k++) {
    const pairs = binPairs(plot.binsOf(plot.order[k]), plot.binsOf(plot.order[k + 1]), rows, plot.shades);
    addPairs(picture, pairs, plot.at[k], plot.at[k + 1], places);
    plot.work.rows += rows.length;
    yield 0;
  }
  return picture;
}

/* A picture is made small; enlarged it is soft sideways only. */
function putPicture(plot, canvas, picture, colourOf, faintest, strongest) {
  const image = develop(picture, colourOf, faintest, strongest);
  const ctx = context(canvas, plot.width, plot.total + 2, 1);
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext('2d').putImageData(image, 0, 0);
  ctx.drawImage(small, 0, 0, plot.width, plot.total + 2);
}

function* drawBase(plot) {
  const key = [plot.width, plot.total, isDark(), isForced()].join();
  if (plot.base === key) return;
  const rows = new Uint32Array(plot.n);
  let n = 0;
  for (let row = 0; row < plot.n; row++) if (!plot.kept || plot.kept[row]) rows[n++] = row;
  const grey = channels('muted');
  const picture = yield* pictureOf(plot, rows.subarray(0, n));
  putPicture(plot, plot.canvases[0], picture, () => grey, 0.07, 0.4);
  plot.base = key;
}

/** Draws in slices: some lines at once, then the picture of all rows, then the other lines. */
export function* steps(plot) {
  const {rows} = plot.chosen;
  const canvas = plot.canvases[1];
  if (rows.length > MOST_LINES) {
    const dark = isDark();
    yield* drawBase(plot);
    return putPicture(plot, canvas, yield* pictureOf(plot, rows), (t) => rankColour(t, dark), 0.25, 0.95);
  }
  const lines = drawLines(plot, context(canvas, plot.width, plot.total + 2), rows);
  yield lines.next().value;
  yield* drawBase(plot);
  yield* lines;
}

/* The order in which lines are drawn: spread over all, the best twentieth last, so on top. */
function drawOrder(plot, rows) {
  const order = spread(rows.length).map((k) => rows[k]);
  const shades = new Float64Array(rows.length);
  for (let k = 0; k < rows.length; k++) shades[k] = plot.shades[rows[k]];
  const limit = shades.sort()[Math.floor(rows.length / 20)] ?? 0;
  const isLate = (row) => plot.shades[row] < limit;
  const late = order.filter(isLate);
  const all = order.filter((row) => !isLate(row));
  order.set(all);
  order.set(late, all.length);
  return order;
}

function* drawLines(plot, ctx, rows) {
  const dark = isDark();
  const alpha = Math.min(0.9, 5 / Math.sqrt(rows.length));
  const strokes = Array.from({length: SHADES}, (_, k) => (isForced() ? colour('text') : css(rankColour(k / (SHADES - 1), dark))));
  const axes = plot.order.map((name) => plot.fitted(name));
  let done = 0;

  ctx.lineWidth = rows.length > 2000 ? 1 : 1.3;
  ctx.globalAlpha = alpha;
  for (const row of drawOrder(plot, rows)) {
    ctx.strokeStyle = strokes[Math.round(plot.shades[row] * (SHADES - 1))];
    trace(plot, ctx, axes, row);
    done += axes.length - 1;
    if (done >= LINES_A_CHECK * axes.length) {
      yield done;
      done = 0;
    }
  }
  yield done;
}

function trace(plot, ctx, axes, row) {
  ctx.beginPath();
  for (let k = 0; k < axes.length; k++) ctx.lineTo(plot.at[k], plot.placeOf(axes[k], row));
  ctx.stroke();
}

/** One row, pointed out. */
export function drawRow(plot, ctx, row) {
  const axes = plot.order.map((name) => plot.fitted(name));
  ctx.strokeStyle = colour('panel');
  ctx.lineWidth = 5;
  trace(plot, ctx, axes, row);
  ctx.strokeStyle = colour('text');
  ctx.lineWidth = 2;
  trace(plot, ctx, axes, row);
}
