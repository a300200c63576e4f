/* Pictures of very many lines between parallel axes: counted in bins, added up pixel by pixel. */
import {LANES} from './scales.js';

/** Rows of bins that an axis is counted in, where lines are too many to be drawn one by one. */
export const BINS = 128;

const STEP = 2; // pixels that a column of a picture is wide: lines are smooth sideways

/**
 * A picture in which each cell has the number of lines through it and the sum of their shades.
 * @param {number} width in pixels
 * @param {number} height in pixels, and cells
 */
export function makePicture(width, height) {
  const columns = Math.max(1, Math.ceil(width / STEP));
  const rows = Math.max(1, Math.round(height));
  return {columns, rows, cells: new Float32Array(2 * columns * rows)};
}

/**
 * The middle of each bin and lane in pixels from the top.
 * @param {number} height of the part with a scale
 * @param {number[]} laneY of the lanes, by their code minus 1
 */
export function binPlaces(height, laneY) {
  const y = new Float32Array(BINS + LANES.length);
  for (let k = 0; k < BINS; k++) y[k] = height * (1 - (k + 0.5) / BINS);
  for (let k = 0; k < LANES.length; k++) y[BINS + k] = laneY[k] ?? 0;
  return y;
}

/**
 * Adds the lines counted between two axes.
 * @param {ReturnType<typeof makePicture>} picture
 * @param {{counts: Uint32Array, sums: Float32Array, width: number}} pairs of binPairs()
 * @param {number} left pixel column of the left axis
 * @param {number} right that of the right one
 * @param {Float32Array} places of the bins
 */
export function addPairs(picture, pairs, left, right, places) {
  const {columns, rows, cells} = picture;
  const first = Math.round(left / STEP);
  const last = Math.min(columns, Math.round(right / STEP));
  const share = 1 / Math.max(1, last - first);

  for (let pair = 0; pair < pairs.counts.length; pair++) {
    const n = pairs.counts[pair];
    if (n === 0) continue;
    const sum = pairs.sums[pair];
    let y = places[Math.floor(pair / pairs.width)];
    const step = (places[pair % pairs.width] - y) * share;
    for (let x = first; x < last; x++) {
      const at = 2 * (Math.min(rows - 1, y | 0) * columns + x);
      cells[at] += n;
      cells[at + 1] += sum;
      y += step;
    }
  }
}

/**
 * Colours a picture: few lines are faint, many are strong, on a logarithmic scale.
 * @param {ReturnType<typeof makePicture>} picture
 * @param {(shade: number) => number[]} colourOf a mean shade in 0..1 to red, green, blue
 * @param {number} faintest alpha of one line
 * @param {number} strongest alpha of the most
 * @returns {ImageData}
 */
export function develop(picture, colourOf, faintest, strongest) {
  const {columns, rows, cells} = picture;
  const image = new ImageData(columns, rows);
  const pixels = image.data;
  const palette = Array.from({length: 64}, (_, k) => colourOf(k / 63));
  let most = 1;

  for (let at = 0; at < cells.length; at += 2) if (cells[at] > most) most = cells[at];
  const scale = most > 1 ? (strongest - faintest) / Math.log(most) : 0;
  for (let at = 0, k = 0; at < cells.length; at += 2, k += 4) {
    const n = cells[at];
    if (n === 0) continue;
    const tone = palette[Math.min(63, Math.max(0, Math.round(63 * cells[at + 1] / n)))];
    pixels[k] = tone[0];
    pixels[k + 1] = tone[1];
    pixels[k + 2] = tone[2];
    pixels[k + 3] = 255 * (faintest + scale * Math.log(n));
  }
  return image;
}

/* ---- counting ---- */

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
