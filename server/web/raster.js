/* Pictures of very many lines between parallel axes: counted in bins, added up pixel by pixel. */
import {BINS, LANES} from './scales.js';

/**
 * A picture in which each pixel counts the lines through it and sums up their shades.
 * @param {number} width
 * @param {number} height
 */
export function makePicture(width, height) {
  const w = Math.max(1, Math.round(width));
  const h = Math.max(1, Math.round(height));
  return {width: w, height: h, counts: new Float32Array(w * h), sums: new Float32Array(w * h)};
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
 * @param {{counts: Uint32Array, sums: Float32Array, width: number}} pairs of scales.js
 * @param {number} left pixel column of the left axis
 * @param {number} right that of the right one
 * @param {Float32Array} places of the bins
 */
export function addPairs(picture, pairs, left, right, places) {
  const {width, height, counts, sums} = picture;
  const first = Math.round(left);
  const last = Math.min(width, Math.round(right));

  for (let cell = 0; cell < pairs.counts.length; cell++) {
    const n = pairs.counts[cell];
    if (n === 0) continue;
    const sum = pairs.sums[cell];
    let y = places[Math.floor(cell / pairs.width)] + 0.5;
    const step = (places[cell % pairs.width] + 0.5 - y) / Math.max(1, last - first);
    for (let x = first; x < last; x++) {
      const at = Math.min(height - 1, y | 0) * width + x;
      counts[at] += n;
      sums[at] += sum;
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
  const {width, height, counts, sums} = picture;
  const image = new ImageData(width, height);
  const palette = Array.from({length: 64}, (_, k) => colourOf(k / 63));
  const pixels = image.data;
  let most = 1;

  for (let k = 0; k < counts.length; k++) if (counts[k] > most) most = counts[k];
  const scale = most > 1 ? (strongest - faintest) / Math.log(most) : 0;
  for (let k = 0; k < counts.length; k++) {
    if (counts[k] === 0) continue;
    const [r, g, b] = palette[Math.min(63, Math.max(0, Math.round(63 * sums[k] / counts[k])))];
    pixels[4 * k] = r;
    pixels[4 * k + 1] = g;
    pixels[4 * k + 2] = b;
    pixels[4 * k + 3] = 255 * (faintest + scale * Math.log(counts[k]));
  }
  return image;
}
