/* How the axes of <hone-parcoords> are brushed, moved and walked along, by pointer and by keys. `plot`
 * is the element. */
import {labelOf} from './scales.js';
import {num, plural} from './view.js';

export const LANE_NAMES = ['none', 'NaN', '+∞', '−∞'];

const STOPS = 40; // of the arrow keys along a scale

/** Dragging on free ground adds a range, on a range moves it or one of its ends; a click on a range
 * removes it, elsewhere it removes all. */
export function brush(plot, event, name) {
  if (event.button !== 0) return;
  const node = event.currentTarget;
  const top = node.getBoundingClientRect().top;
  const start = event.clientY - top;
  const list = plot.filter[name] ?? [];
  const bands = plot.bands(name);
  const index = bands.findIndex(([from, to]) => start >= from - 5 && start <= to + 5);
  const rest = list.filter((_, k) => k !== index);
  const isRange = Array.isArray(list[index]);
  const [from, to] = bands[index] ?? [start, start];
  const grip = !isRange ? 'new' : Math.abs(start - from) <= 6 ? 'top' : Math.abs(start - to) <= 6 ? 'bottom' : 'all';
  let moved = false;

  node.setPointerCapture(event.pointerId);
  const move = (e) => {
    const y = e.clientY - top;
    if (Math.abs(y - start) > 3) moved = true;
    if (!moved) return;
    const ends = {new: [start, y], top: [y, to], bottom: [from, y], all: [from + y - start, to + y - start]}[grip];
    plot.setRanges(name, [...rest, ...plot.rangesBetween(name, ...ends)]);
  };
  const end = () => {
    node.removeEventListener('pointermove', move);
    if (!moved) plot.setRanges(name, index >= 0 ? rest : clickRanges(plot, name, start));
    plot.tell(true);
  };
  node.addEventListener('pointermove', move);
  node.addEventListener('pointerup', end, {once: true});
  node.addEventListener('pointercancel', end, {once: true});
}

/* A click selects a category or a lane; on a scale it clears. */
function clickRanges(plot, name, y) {
  const {axis} = plot.fitted(name);
  const list = plot.filter[name] ?? [];
  if (axis.keys.length === 0 && y <= plot.height) return [];
  const half = axis.keys.length ? plot.height / axis.keys.length / 2 : 0;
  return [...list, ...plot.rangesBetween(name, y - half + 0.5, y + half - 0.5)];
}

/* ---- keys ---- */

/* The places that the arrow keys stop at, from the top. */
function stopsOf(plot, name) {
  const {axis, scale} = plot.fitted(name);
  const values = axis.keys.length ? axis.keys.map((_, k) => 1 - scale.to(k)).reverse() : Array.from({length: STOPS + 1}, (_, k) => k / STOPS);
  return values.map((t) => t * plot.height).concat(axis.lanes.map((code) => plot.laneY[code - 1]));
}

/** The place of an axis's cursor. */
export function stopY(plot, name) {
  const stops = stopsOf(plot, name);
  return stops[Math.min(stops.length - 1, plot.cursors[name].at)];
}

/** Up and down move the cursor, with shift they select; the others are told by the axis's label. */
export function key(plot, event, name) {
  const isMove = event.key === 'ArrowUp' || event.key === 'ArrowDown';
  const side = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  const index = plot.order.indexOf(name);
  if (isMove) moveCursor(plot, name, event.key === 'ArrowUp' ? -1 : 1, event.shiftKey);
  else if (side && (event.altKey || event.ctrlKey)) plot.moveAxis(name, index + side);
  else if (side) plot.focusAxis(plot.order[Math.min(plot.order.length - 1, Math.max(0, index + side))]);
  else if (event.key === 'Delete' || event.key === 'Backspace') clear(plot, name);
  else if (event.key === 'Enter' || event.key === ' ') toggleStop(plot, name);
  else if (event.key === 'l') plot.nextKind(name);
  else if (event.key === 'x' && plot.order.length > 2) plot.show(name, false);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function clear(plot, name) {
  plot.setRanges(name, []);
  plot.cursors[name] = undefined;
  plot.tell(true);
}

/* With shift a range grows from where shift was first held. */
function moveCursor(plot, name, step, isSelecting) {
  const stops = stopsOf(plot, name);
  const before = plot.cursors[name] ?? {at: step > 0 ? -1 : stops.length};
  const at = Math.min(stops.length - 1, Math.max(0, before.at + step));
  if (!isSelecting) plot.cursors[name] = {at};
  else {
    const anchor = before.anchor ?? Math.min(stops.length - 1, Math.max(0, before.at));
    const rest = before.rest ?? plot.filter[name] ?? [];
    plot.cursors[name] = {at, anchor, rest};
    plot.setRanges(name, [...rest, ...plot.rangesBetween(name, stops[anchor], stops[at])]);
    plot.tell(true);
  }
  announce(plot, name);
  plot.drawOver();
}

/* Selects what stands at the cursor: a category, a lane, or a fortieth of a scale. */
function toggleStop(plot, name) {
  if (!plot.cursors[name]) return;
  const {axis} = plot.fitted(name);
  const y = stopY(plot, name);
  const half = axis.keys.length || y > plot.height ? 1 : plot.height / STOPS / 2;
  const added = plot.rangesBetween(name, Math.max(0, y - half), y > plot.height ? y + half : Math.min(plot.height, y + half));
  const list = plot.filter[name] ?? [];
  const has = (range) => list.some((other) => JSON.stringify(other) === JSON.stringify(range));
  const kept = list.filter((range) => !added.some((other) => JSON.stringify(other) === JSON.stringify(range)));
  plot.setRanges(name, added.every(has) ? kept : [...list, ...added]);
  plot.tell(true);
  announce(plot, name);
}

/** Called when an axis gets the focus. */
export function focusChanged(plot, name) {
  announce(plot, name);
  plot.drawOver();
}

/* Says where the cursor is and how many are selected. */
function announce(plot, name) {
  const node = [...plot.heads.querySelectorAll('.pc-axis')].find((one) => one.dataset.axis === name);
  if (!node) return;
  const {axis, scale} = plot.fitted(name);
  const y = plot.cursors[name] ? stopY(plot, name) : null;
  const lane = axis.lanes.find((code) => plot.laneY[code - 1] === y);
  const t = y === null ? 0 : 1 - y / plot.height;
  const at = y === null ? 'no place yet' : lane ? LANE_NAMES[lane - 1]
    : axis.keys.length ? labelOf(axis.keys[Math.round(scale.from(t))]) : num(scale.from(t));
  const ranges = plot.filter[name]?.length ?? 0;
  node.setAttribute('aria-valuenow', String(Math.round(100 * Math.max(0, t))));
  node.setAttribute('aria-valuetext', `${at}; ${plural(ranges, 'range')}; ${plural(plot.select().count, 'trial')} selected`);
}

/* ---- moving axes by hand ---- */

/** Moves an axis by its name; below the plot it is dropped. */
export function drag(plot, event, name) {
  if (event.button !== 0) return;
  const column = event.currentTarget.closest('.pc-column');
  const start = event.clientX;
  const home = plot.at[plot.order.indexOf(name)];
  const node = event.currentTarget;
  let x = home;
  let below = false;

  node.setPointerCapture(event.pointerId);
  const move = (e) => {
    x = home + e.clientX - start;
    below = e.clientY > plot.scroll.getBoundingClientRect().bottom + 20;
    column.style.left = `${x}px`;
    column.classList.toggle('leaving', below);
  };
  const end = () => {
    node.removeEventListener('pointermove', move);
    plot.axesKey = undefined;
    if (below && plot.order.length > 2) return plot.show(name, false);
    const to = plot.order.filter((other, k) => other !== name && plot.at[k] < x).length;
    return plot.moveAxis(name, to);
  };
  node.addEventListener('pointermove', move);
  node.addEventListener('pointerup', end, {once: true});
  node.addEventListener('pointercancel', end, {once: true});
}
