/* <hone-chart>: history, learning curves, slices and Pareto fronts as a plot that can be zoomed and
 * walked through by keys; importance as bars. */
import {drawAxes, plotScale, ROOM} from './axes.js';
import {bars, ramp} from './bars.js';
import {CanvasElement, colour, context, isDark, isForced, make, sameNumbers, stateColour, rowsAndCommand} from './canvas.js';
import {arePositive, joined, numberAt, scattered, shadeByOrder, tableOf, widen} from './chart_data.js';
import {css, rankColour, viridis} from './colours.js';
import {drawLine, drawMarks, drawPoint, hasRug, isMarked, lastFinite, placeY, SHADES} from './marks.js';
import {rankShares, visibleExtent} from './ranks.js';
import {moment, num} from './view.js';

const HEIGHT = 260;
const NEAR = 14; // CSS pixels from the pointer to what it points at
const DRAG = 8; // CSS pixels from which on a drag zooms in a direction
const RUG_SHARE = 0.09; // of the plot's height, below the lowest point
const MOST_LEGEND = 8;

/**
 * @typedef {{label: string, x: ArrayLike<number>, y: ArrayLike<number>, style: 'points'|'line'|'step'|'rug',
 *   state?: string, colour?: string, number?: number, numbers?: ArrayLike<number>, note?: string,
 *   shade?: ArrayLike<number>, isFaint?: boolean}} Series
 *   `colour` is the name of a custom property; `shade`, 0 to 1 a point, colours each of them; a point
 *   whose y is not finite stands on the rug below the axis; `number` or `numbers` say which trial;
 *   `note` is said on hover
 * @typedef {{label: string, log?: boolean, time?: boolean, categories?: string[], direction?: string}} Axis
 * @typedef {{label: string, value: number, low?: number, high?: number, text?: string, note?: string}} Bar
 * @typedef {{kind: 'history'|'curves'|'slice'|'pareto'|'bars', title: string, x: Axis, y: Axis,
 *   series: Series[], bars?: Bar[], summary: string, table?: () => any[], csv?: string, curl?: string,
 *   height?: number, clip?: boolean}} ChartData `csv` is a path of the server, `curl` a command
 */

const orderColour = (t) => viridis(isDark() ? 0.25 + 0.75 * t : 0.9 - 0.9 * t);
const same = (a, b) => a?.series === b?.series && a?.i === b?.i;

export class HoneChart extends CanvasElement {
  constructor() {
    super();
    this.logs = {};
    this.isClipped = true;
    this.selected = new Set();
  }

  /** @param {ChartData} data */
  set data(data) {
    if (data?.clip === false) this.isClipped = false;
    this.chart = data?.x?.categories ? {...data, series: data.series.map(scattered)} : data;
    this.stops = undefined;
    this.known = {}; // what is found out about the data, once
    this.found = null;
    this.invalidate();
  }

  get data() {
    return this.chart;
  }

  /** The numbers of trials to point out. */
  set selection(numbers) {
    if (sameNumbers(this.selected, numbers ?? [])) return;
    this.selected = new Set(numbers);
    this.invalidate();
  }

  build() {
    this.head = make('div', {class: 'chart-head'});
    this.yLabel = make('div', {class: 'chart-axis', dir: 'auto'});
    [this.grid, this.marks, this.over] = Array.from({length: 3}, () => make('canvas', {'aria-hidden': 'true'}));
    this.plotNode = make('div', {class: 'chart-plot', role: 'img', tabindex: '0', keydown: (e) => this.key(e),
      pointerdown: (e) => this.press(e), pointermove: (e) => this.point(e), pointerleave: () => this.onFrame(() => this.show(null)),
      dblclick: () => this.unzoom()}, this.grid, this.marks, this.over);
    this.tip = make('div', {class: 'chart-tip', role: 'status', hidden: true});
    this.append(this.head, this.yLabel, this.plotNode, this.tip, rowsAndCommand(() => ({table: () => tableOf(this.chart), ...this.chart})));
  }

  get hasData() {
    return Boolean(this.chart);
  }

  draw() {
    const data = this.chart;
    this.plotNode.setAttribute('aria-label', `${data.title}. ${data.summary ?? ''}`);
    if (data.kind === 'bars') {
      this.drawHead();
      return this.plotNode.replaceChildren(bars(data.bars ?? []));
    }
    const arrow = {maximize: ' ↑', minimize: ' ↓'}[data.y.direction] ?? '';
    this.yLabel.textContent = data.y.label + arrow;
    this.measure();
    this.setColours();
    this.drawHead();
    this.drawPlot();
  }

  /* ---- head: title, legend, switches ---- */

  drawHead() {
    const {title, kind, series = [], x, y} = this.chart;
    const tools = kind === 'bars' ? [] : [
      this.toggle('log x', this.isLog('x'), this.canLog('x'), () => { this.logs.x = !this.isLog('x'); }),
      this.toggle('log y', this.isLog('y'), this.canLog('y'), () => { this.logs.y = !this.isLog('y'); }),
      this.toggle('clip outliers', this.isClipped, this.chart.clip !== false && (this.outside > 0 || !this.isClipped), () => { this.isClipped = !this.isClipped; }),
      this.zoomed ? make('button', {type: 'button', text: 'whole', click: () => this.unzoom()}) : null];
    const legend = series.length <= MOST_LEGEND && series.map((s) => [s.label, s.style, s.state, s.colour]);
    const key = JSON.stringify([title, tools.map((t) => t && t.outerHTML), legend, isDark(), isForced(), x, y]);
    if (key === this.headKey) return;
    this.headKey = key;
    this.head.replaceChildren(make('b', {class: 'chart-title', dir: 'auto', text: title}), this.legend(),
      make('span', {class: 'chart-tools'}, ...tools));
  }

  toggle(label, isOn, isUseful, click) {
    return isUseful ? make('button', {type: 'button', text: label, 'aria-pressed': String(isOn), click: () => {
      click();
      this.unzoom();
    }}) : null;
  }

  legend() {
    const {kind, series = []} = this.chart;
    if (kind === 'curves') return ramp('best', 'worst', (t) => css(rankColour(t, isDark())));
    if (kind === 'slice') return ramp('first', 'last', (t) => css(orderColour(t)));
    if (series.length < 2 || series.length > MOST_LEGEND) return make('span');
    return make('span', {class: 'chart-legend'}, ...series.map((s, k) => {
      const canvas = make('canvas', {'aria-hidden': 'true'});
      const ctx = context(canvas, 16, 12);
      ctx.strokeStyle = ctx.fillStyle = this.strokes[k];
      if (isMarked(s)) drawPoint(ctx, {...s, x: []}, 8, 6);
      else ctx.fillRect(1, 5, 14, 2);
      return make('span', {}, canvas, s.label);
    }));
  }

  /* ---- extents ---- */

  canLog(axis) {
    this.known[axis] ??= !this.chart[axis].time && !this.chart[axis].categories
      && this.chart.series.every((s) => arePositive(s[axis]));
    return this.known[axis];
  }

  isLog(axis) {
    return Boolean(this.logs[axis] ?? this.chart[axis].log) && this.canLog(axis);
  }

  extent(axis, clip) {
    const {categories} = this.chart[axis];
    if (categories) return {lo: -0.5, hi: Math.max(0.5, categories.length - 0.5), outside: 0};
    const log = this.isLog(axis);
    const columns = this.chart.series.filter((s) => s.style !== 'rug' || axis === 'x').map((s) => s[axis]);
    return widen(visibleExtent(joined(columns), {clip, log}) ?? {lo: 1, hi: 10, outside: 0}, log);
  }

  measure() {
    const key = JSON.stringify([this.isLog('x'), this.isLog('y'), this.isClipped]);
    if (this.known.ends === key) return;
    this.known.ends = key;
    this.ends = {x: this.extent('x', false), y: this.extent('y', this.isClipped)};
    this.outside = this.ends.y.outside;
    if (this.chart.series.some(hasRug)) {
      const {lo, hi} = this.ends.y;
      this.ends.y.lo = this.isLog('y') ? lo / (hi / lo) ** RUG_SHARE : lo - (hi - lo) * RUG_SHARE;
    }
  }

  /* ---- colours ---- */

  seriesColour(series) {
    if (series.colour) return colour(series.colour);
    return isMarked(series) ? stateColour(series.state ?? 'completed') : colour('accent');
  }

  setColours() {
    const {kind, series, y} = this.chart;
    const dark = isDark();
    this.strokes = series.map((s) => this.seriesColour(s));
    this.shades = isForced() ? [] : Array.from({length: SHADES}, (_, i) => css(orderColour(i / (SHADES - 1)), 0.85));
    if (kind === 'slice') shadeByOrder(series);
    if (kind === 'curves' && !isForced()) {
      const ranks = rankShares(series.map((s) => s.y[lastFinite(s.y)] ?? NaN), y.direction);
      this.strokes = series.map((s, i) => (s.colour ? colour(s.colour)
        : css(rankColour(Number.isNaN(ranks[i]) ? 1 : ranks[i], dark), 0.9)));
    }
  }

  /* ---- drawing ---- */

  drawPlot() {
    const width = Math.max(40, this.plotNode.clientWidth - ROOM.left - ROOM.right);
    const whole = this.chart.height ?? HEIGHT;
    const height = whole - ROOM.top - ROOM.bottom;
    const ends = this.zoomed ?? this.ends;

    this.plotNode.style.height = `${whole}px`;
    this.plot = {kind: this.chart.kind, strokes: this.strokes, shades: this.shades,
      x: plotScale(ends.x, width, {log: this.isLog('x')}), y: plotScale(ends.y, height, {log: this.isLog('y'), up: true})};
    const ctx = context(this.grid, this.plotNode.clientWidth, whole);
    ctx.translate(ROOM.left, ROOM.top);
    drawAxes(ctx, this.plot, this.chart.x, this.chart.y);
    for (const canvas of [this.marks, this.over]) {
      canvas.style.left = `${ROOM.left}px`;
      canvas.style.top = `${ROOM.top}px`;
    }
    this.show(this.found ? this.placed(this.found) : null);
    this.runSlices(drawMarks(context(this.marks, width, height), this.plot, this.chart.series));
  }

  /* The layer over the marks: what is selected, pointed at, or being zoomed to. */
  drawOver(box) {
    const ctx = context(this.over, this.plot.x.length, this.plot.y.length);
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = colour('text');
    if (this.selected.size > 0) {
      for (const stop of this.allStops()) {
        if (this.selected.has(numberAt(stop.series, stop.i))) this.emphasise(ctx, this.placed(stop), 4.5);
      }
    }
    if (this.found) this.emphasise(ctx, this.found, 5.5);
    if (!box) return;
    ctx.fillStyle = colour('accent');
    ctx.globalAlpha = 0.18;
    ctx.fillRect(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
  }

  emphasise(ctx, {series, k, x, y}, radius) {
    ctx.strokeStyle = this.strokes[k];
    if (!isMarked(series)) drawLine(ctx, this.plot, series, 1.6);
    ctx.strokeStyle = colour('text');
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 7);
    ctx.stroke();
  }

  /* ---- what is where ---- */

  placed(stop) {
    return {...stop, x: this.plot.x.to(stop.series.x[stop.i]), y: placeY(this.plot, stop.series, stop.i)};
  }

  /** What is near a place of the plot in CSS pixels, or null: {series, k, i, x, y}. */
  hit(mx, my) {
    let best = null;
    let near = NEAR * NEAR;
    const take = (series, k, i, x, y) => {
      const d = (x - mx) ** 2 + (y - my) ** 2;
      if (d < near) {
        near = d;
        best = {series, k, i, x, y};
      }
    };
    this.chart.series.forEach((s, k) => {
      if (numberAt(s, 0) === null && s.style !== 'line') return;
      for (let i = 0; i < s.x.length; i++) {
        const x = this.plot.x.to(s.x[i]);
        if (Math.abs(x - mx) < NEAR) take(s, k, i, x, placeY(this.plot, s, i));
        if (!isMarked(s) && i > 0) this.between(s, k, i, mx, take);
      }
    });
    return best;
  }

  between(s, k, i, mx, take) {
    const [x0, x1] = [this.plot.x.to(s.x[i - 1]), this.plot.x.to(s.x[i])];
    if (mx < x0 || mx > x1 || x1 === x0) return;
    const [y0, y1] = [this.plot.y.to(s.y[i - 1]), this.plot.y.to(s.y[i])];
    take(s, k, i, mx, y0 + (y1 - y0) * (mx - x0) / (x1 - x0));
  }

  /* All that stands for trials, by x and then y, for the arrow keys. */
  allStops() {
    this.stops ??= this.chart.series.flatMap((series, k) => (numberAt(series, 0) === null ? []
      : isMarked(series) ? Array.from(series.x, (_, i) => ({series, k, i})) : [{series, k, i: Math.max(0, lastFinite(series.y))}]))
      .sort((a, b) => a.series.x[a.i] - b.series.x[b.i] || a.series.y[a.i] - b.series.y[b.i]);
    return this.stops;
  }

  /* ---- pointer ---- */

  place(event) {
    const box = this.over.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }

  point(event) {
    if (!this.plot || event.buttons) return;
    const {x, y} = this.place(event);
    this.onFrame(() => this.show(this.hit(x, y)));
  }

  /* A click opens the trial pointed at, a drag zooms: along one axis, or both if it is oblique. */
  press(event) {
    if (!this.plot || event.button !== 0) return;
    const start = this.place(event);
    const node = this.plotNode;
    let box = null;

    node.setPointerCapture(event.pointerId);
    const move = (e) => {
      box = this.boxBetween(start, this.place(e));
      this.drawOver(box);
    };
    const end = (e) => {
      node.removeEventListener('pointermove', move);
      node.removeEventListener('pointerup', end);
      node.removeEventListener('pointercancel', end);
      if (box && e.type === 'pointerup') this.zoomTo(box);
      else if (e.type === 'pointerup') this.pick(this.hit(start.x, start.y));
      this.drawOver();
    };
    for (const type of ['pointerup', 'pointercancel']) node.addEventListener(type, end);
    node.addEventListener('pointermove', move);
  }

  boxBetween(a, b) {
    const {x, y} = this.plot;
    const cut = (v, length) => Math.min(length, Math.max(0, v));
    const wide = Math.abs(a.x - b.x) > DRAG;
    const tall = Math.abs(a.y - b.y) > (wide ? 3 : 1) * DRAG;
    if (!wide && !tall) return null;
    return {x0: wide ? cut(Math.min(a.x, b.x), x.length) : 0, x1: wide ? cut(Math.max(a.x, b.x), x.length) : x.length,
      y0: tall ? cut(Math.min(a.y, b.y), y.length) : 0, y1: tall ? cut(Math.max(a.y, b.y), y.length) : y.length};
  }

  zoomTo({x0, x1, y0, y1}) {
    const {x, y} = this.plot;
    this.zoomed = {x: {lo: x.from(x0), hi: x.from(x1)}, y: {lo: y.from(y1), hi: y.from(y0)}};
    this.found = null;
    this.invalidate();
  }

  unzoom() {
    this.zoomed = undefined;
    this.invalidate();
  }

  show(found) {
    this.found = found;
    if (!this.plot || this.chart.kind === 'bars') return;
    this.drawOver();
    this.tip.hidden = !found;
    this.plotNode.classList.toggle('has-pick', Boolean(found && numberAt(found.series, found.i) !== null));
    if (!found) return;
    this.tip.replaceChildren(...this.describe(found).map((text) => make('span', {dir: 'auto', text})));
    const left = this.plotNode.offsetLeft + ROOM.left + found.x;
    const isRight = left > this.clientWidth - 190;
    this.tip.style.left = `${isRight ? left - this.tip.offsetWidth - 12 : left + 12}px`;
    this.tip.style.top = `${Math.max(0, this.plotNode.offsetTop + found.y - 6)}px`;
  }

  describe({series, i}) {
    const {x, y} = this.chart;
    const trial = numberAt(series, i);
    const v = series.x[i];
    const at = x.time ? moment(v) : x.categories ? x.categories[Math.round(v)] : num(v);
    const lines = [trial === null ? series.label : `trial ${trial}${series.state ? `, ${series.state}` : ''}`];
    if (x.label !== 'trial') lines.push(`${x.label} ${at}`);
    if (series.style !== 'rug') lines.push(`${y.label} ${num(series.y[i])}`);
    if (series.note) lines.push(series.note);
    return lines;
  }

  pick(found) {
    const number = found ? numberAt(found.series, found.i) : null;
    if (number === null) return;
    this.dispatchEvent(new CustomEvent('hone-pick', {detail: {number}, bubbles: true}));
  }

  /* ---- keys ---- */

  key(event) {
    if (!this.plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = {ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity}[event.key];
    if (step !== undefined) this.moveBy(step);
    else if (event.key === 'Enter') this.pick(this.found);
    else if (event.key === '+' || event.key === '-') this.zoomBy(event.key === '+' ? 0.6 : 1 / 0.6);
    else if (event.key === '0' || event.key === 'Escape') {
      this.show(null);
      this.unzoom();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  moveBy(step) {
    const stops = this.allStops();
    if (stops.length === 0) return;
    const at = stops.findIndex((stop) => same(stop, this.found));
    const to = at < 0 && Number.isFinite(step) ? 0 : at + step;
    this.show(this.placed(stops[Math.min(stops.length - 1, Math.max(0, to))]));
  }

  /* Zooms the x axis around what is pointed at, or its middle. */
  zoomBy(factor) {
    const {length} = this.plot.x;
    const at = this.found?.x ?? length / 2;
    const found = this.found;
    this.zoomTo({x0: at - at * factor, x1: at + (length - at) * factor, y0: 0, y1: this.plot.y.length});
    this.found = found;
  }
}

customElements.define('hone-chart', HoneChart);
