/* Parts of a <hone-chart> that are no plot: bars, and the legend of a scale of colours. */
import {context, make} from './canvas.js';
import {num} from './view.js';

/** The colours from one end to the other, `colourOf` 0 to 1. */
export function ramp(from, to, colourOf) {
  const canvas = make('canvas', {'aria-hidden': 'true'});
  const ctx = context(canvas, 64, 8);
  for (let i = 0; i < 64; i++) {
    ctx.fillStyle = colourOf(i / 63);
    ctx.fillRect(i, 0, 1, 8);
  }
  return make('span', {class: 'chart-legend'}, make('span', {}, from, canvas, to));
}

/** One row a bar, with what it may vary by. */
export function bars(all) {
  const most = Math.max(1e-12, ...all.map((bar) => Math.max(bar.value, bar.high ?? 0)));
  const percent = (v) => `${100 * v / most}%`;
  return make('div', {class: 'bars'}, ...all.map((bar) => {
    const fill = make('i', {class: 'bar-fill'});
    const error = bar.high === undefined ? null : make('i', {class: 'bar-error'});
    fill.style.width = percent(bar.value);
    if (error) {
      error.style.left = percent(bar.low ?? bar.value);
      error.style.width = percent(bar.high - (bar.low ?? bar.value));
    }
    return make('div', {class: 'bar-row', title: bar.note ?? ''}, make('span', {class: 'bar-label', dir: 'auto', text: bar.label}),
      make('span', {class: 'bar-track'}, fill, error), make('span', {class: 'bar-value', text: bar.text ?? num(bar.value, 2)}));
  }));
}
