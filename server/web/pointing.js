/* Pointing at a line of <hone-parcoords>. `plot` is the element. */
import {make} from './canvas.js';

const NEAR = 7; // CSS pixels

/* The selected row whose line passes nearest to a place, or null. */
function hit(plot, x, y) {
  const k = plot.at.findIndex((at, i) => i + 1 < plot.at.length && x >= at && x <= plot.at[i + 1]);
  if (k < 0) return null;
  const [left, right] = [plot.fitted(plot.order[k]), plot.fitted(plot.order[k + 1])];
  const share = (x - plot.at[k]) / (plot.at[k + 1] - plot.at[k]);
  let best = null;
  let near = NEAR;
  for (const row of plot.select().rows) {
    const a = plot.placeOf(left, row);
    const d = Math.abs(a + (plot.placeOf(right, row) - a) * share - y);
    if (d < near) {
      near = d;
      best = row;
    }
  }
  return best;
}

function placeInArea(plot, event) {
  const box = plot.canvases[2].getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

/** The pointer has moved. */
export function point(plot, event) {
  if (!plot.source || event.buttons) return;
  const [x, y] = placeInArea(plot, event);
  plot.onFrame(() => hover(plot, hit(plot, x, y), x, y));
}

/** Points out a row and says what it is; null: none. */
export function hover(plot, row, x, y) {
  if (row === plot.hovered && row === null) return;
  plot.hovered = row;
  plot.tip.hidden = row === null;
  plot.area.classList.toggle('has-pick', row !== null);
  plot.drawOver();
  if (row !== null) fillTip(plot, row, x, y);
}

function fillTip(plot, row, x, y) {
  const text = (name) => `${name} ${plot.textAt(plot.byName.get(name), row)}`;
  plot.tip.replaceChildren(...[`trial ${plot.source.numbers[row]}`, ...[...plot.order].reverse().slice(0, 9).map(text)]
    .map((line) => make('span', {dir: 'auto', text: line})));
  const left = x - plot.scroll.scrollLeft;
  const isRight = left > plot.clientWidth - 200;
  plot.tip.style.left = `${isRight ? left - plot.tip.offsetWidth - 14 : left + 14}px`;
  plot.tip.style.top = `${plot.scroll.offsetTop + 44 + Math.min(y, plot.total - plot.tip.offsetHeight)}px`;
}

/** A click on a line tells which trial it is. */
export function pick(plot, event) {
  if (event.target.closest('.pc-column')) return;
  const [x, y] = placeInArea(plot, event);
  const row = plot.source ? hit(plot, x, y) : null;
  if (row === null) return;
  plot.dispatchEvent(new CustomEvent('hone-pick', {detail: {number: plot.source.numbers[row]}, bubbles: true}));
}
