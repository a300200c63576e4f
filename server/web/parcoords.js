/* <hone-parcoords>: trials as lines across one axis a parameter, the objective last. All rows are a
 * picture of counts; those that are selected are drawn over it, line by line while they are few. */
import {brush, drag, focusChanged, key, LANE_NAMES} from './brushing.js';
import {CanvasElement, context, FONT, make, sameNumbers, rowsAndCommand} from './canvas.js';
import {brushed, keyedByName, selectRows} from './filters.js';
import {drawAxis, drawLanes, SIDE} from './parcoords_axes.js';
import {drawRow, steps} from './parcoords_lines.js';
import {hover, pick, point} from './pointing.js';
import {rankShares, topShare} from './ranks.js';
import {binRows} from './raster.js';
import {kindsOf, labelOf, LANES, makeAxis, makeScale} from './scales.js';
import {count, num} from './view.js';

const MOST_AXES = 24; // shown without being asked for
const LANE = 18;
const KIND_NAMES = {linear: 'lin', log: 'log', quantile: 'rank', category: ''};

/**
 * @typedef {{axes: {name: string, type: string, values: ArrayLike<*>, choices?: any[]}[],
 *   numbers: ArrayLike<number>, value: ArrayLike<*>, direction: string, title?: string, summary?: string, table?: () => any[], csv?: string, curl?: string, height?: number}} ParcoordsData
 *   `value` is the objective: the values of the last axis, or of one that is added
 */

export class HoneParcoords extends CanvasElement {
  constructor() {
    super();
    this.filter = keyedByName();
    this.share = 0.2;
    this.kinds = keyedByName();
    this.cursors = keyedByName();
    this.aside = new Set(); // numbers of trials that were excluded
    this.marked = new Set();
  }

  /* ---- data ---- */

  /** @param {ParcoordsData} data */
  set data(data) {
    const hasGoal = data.axes.some((axis) => axis.values === data.value);
    const sources = hasGoal ? data.axes : [...data.axes, {name: 'value', type: 'number', values: data.value}];
    this.source = data;
    this.n = data.numbers.length;
    this.axes = sources.map((axis) => ({...makeAxis(axis), isObjective: axis.values === data.value}));
    this.byName = new Map(this.axes.map((axis) => [axis.name, axis]));
    this.ranks = rankShares(data.ranked ?? data.value, data.direction);
    this.kept = this.aside.size ? Uint8Array.from(data.numbers, (n) => +!this.aside.has(n)) : undefined;
    this.order = (this.order ?? []).filter((name) => this.byName.has(name));
    if (this.order.length < 2) this.order = this.defaultOrder();
    this.cache = new Map();
    this.work.rows += this.n * this.axes.length;
    this.changed('rows');
  }

  get data() {
    return this.source;
  }

  /** @param {import('./filters.js').Ranges} ranges */
  set ranges(ranges) {
    this.filter = keyedByName(ranges);
    this.changed('selection');
  }

  get ranges() {
    return this.filter;
  }

  /** The numbers of trials to point out. */
  set selection(numbers) {
    if (sameNumbers(this.marked, numbers ?? [])) return;
    this.marked = new Set(numbers);
    this.invalidate();
  }

  /** Parameters that vary, as many as fit, and what stands from the objective on. */
  defaultOrder() {
    const goal = this.axes.findIndex((axis) => axis.isObjective);
    const varying = this.axes.slice(0, goal).filter((axis) => axis.varies).slice(0, MOST_AXES);
    return [...varying, ...this.axes.slice(goal)].map((axis) => axis.name);
  }

  /* 'selection': other ranges; 'share': another best share; 'rows': a new picture of all rows too. */
  changed(what) {
    if (what === 'rows') this.base = undefined;
    if (what !== 'selection') this.within = undefined;
    this.chosen = undefined;
    this.invalidate();
  }

  kindOf(axis) {
    return this.kinds[axis.name] ?? kindsOf(axis)[0];
  }

  /** An axis and its scale, made once for each kind of scale. */
  fitted(name) {
    const axis = this.byName.get(name);
    const key = `${this.kindOf(axis)} ${name}`;
    if (!this.cache.has(key)) this.cache.set(key, {axis, scale: makeScale(axis, this.kindOf(axis))});
    return this.cache.get(key);
  }

  /* The bins of all rows, which pictures alone need. */
  binsOf(name) {
    const fitted = this.fitted(name);
    if (!fitted.bins) {
      fitted.bins = binRows(fitted.axis, fitted.scale);
      this.work.rows += this.n;
    }
    return fitted.bins;
  }

  /** What is drawn in colour: in the ranges, among the best share, not put aside. */
  select() {
    if (this.chosen) return this.chosen;
    const within = this.best();
    const {mask, count: n} = selectRows(this.axes, this.filter, within, this.n);
    const rows = new Uint32Array(n);
    let of = 0;
    for (let row = 0, k = 0; row < this.n; row++) {
      if (mask[row]) rows[k++] = row;
      of += within[row];
    }
    this.work.rows += 2 * this.n;
    this.chosen = {mask, count: n, rows, of};
    return this.chosen;
  }

  /* The best share without what was put aside, and shades from its best to its worst. */
  best() {
    if (this.within) return this.within;
    this.within = topShare(this.ranks, this.share);
    this.shades = new Float64Array(this.n);
    for (let row = 0; row < this.n; row++) {
      const rank = this.ranks[row];
      this.shades[row] = rank <= this.share ? rank / this.share : 1; // no value: last
      if (this.kept && !this.kept[row]) this.within[row] = 0;
    }
    this.work.rows += 2 * this.n;
    return this.within;
  }

  /* ---- elements ---- */

  build() {
    const slider = make('input', {type: 'range', min: '1', max: '100', value: String(100 * this.share), 'aria-label': 'best share of the trials, in percent',
      input: () => {
        this.share = slider.value / 100;
        this.changed('share');
      }});
    this.shareText = make('span', {class: 'pc-share'});
    this.countText = make('span', {class: 'pc-count', role: 'status'});
    this.menu = make('details', {class: 'pc-menu'}, make('summary', {text: 'axes'}), make('div'));
    this.menu.addEventListener('toggle', () => this.menu.open && this.fillMenu());
    const button = (text, title, click) => make('button', {type: 'button', text, title, click});
    this.bar = make('div', {class: 'chart-head'}, make('b', {class: 'chart-title'}), make('label', {class: 'pc-top'}, 'best', slider, this.shareText),
      this.countText, make('span', {class: 'chart-tools'}, button('keep', 'Go on with the selected trials only', () => this.keep(true)),
        button('exclude', 'Put the selected trials aside', () => this.keep(false)),
        button('all', 'Every trial, no ranges', () => this.restore()), this.menu));
    this.canvases = ['base', 'lines', 'over'].map((name) => make('canvas', {class: `pc-${name}`, 'aria-hidden': 'true'}));
    this.heads = make('div', {class: 'pc-axes'});
    this.area = make('div', {class: 'pc-area', pointermove: (e) => point(this, e), pointerleave: () => this.onFrame(() => hover(this, null)),
      click: (e) => pick(this, e)}, ...this.canvases, this.heads);
    this.scroll = make('div', {class: 'pc-scroll', role: 'group'}, this.area);
    this.tip = make('div', {class: 'chart-tip', hidden: true});
    this.append(this.bar, this.scroll, this.tip, rowsAndCommand(() => ({table: () => this.table(), ...this.source})));
  }

  /* The selected rows, as rows under a head. */
  table() {
    const axes = this.order.map((name) => this.byName.get(name));
    return [['trial', ...this.order], ...Array.from(this.select().rows, (row) =>
      [this.source.numbers[row], ...axes.map((axis) => this.textAt(axis, row))])];
  }

  textAt(axis, row) {
    if (axis.lane[row]) return LANE_NAMES[axis.lane[row] - 1];
    return axis.keys.length ? labelOf(axis.keys[axis.x[row]]) : num(axis.x[row]);
  }

  fillMenu() {
    this.menu.lastChild.replaceChildren(...this.axes.map((axis) => {
      const box = make('input', {type: 'checkbox', change: () => this.show(axis.name, box.checked)});
      box.checked = this.order.includes(axis.name);
      return make('label', {dir: 'auto'}, box, axis.name);
    }));
  }

  /** Shows an axis before the last one, or hides it and forgets its ranges. */
  show(name, isShown) {
    this.order = this.order.filter((other) => other !== name);
    if (isShown) this.order.splice(Math.max(0, this.order.length - 1), 0, name);
    else this.setRanges(name, []);
    this.changed('rows');
  }

  keep(isKept) {
    const {mask} = this.select();
    const before = this.kept ?? new Uint8Array(this.n).fill(1);
    this.kept = before.map((k, row) => k & (isKept ? mask[row] : 1 - mask[row]));
    this.kept.forEach((k, row) => k || this.aside.add(this.source.numbers[row]));
    this.filter = keyedByName();
    this.changed('rows');
    this.tell(true);
  }

  restore() {
    this.kept = undefined;
    this.aside.clear();
    this.filter = keyedByName();
    this.changed('rows');
    this.tell(true);
  }

  /* ---- size and axes ---- */

  measure() {
    const gap = this.clientWidth < 600 ? 72 : 92;
    const inner = Math.max(this.scroll.clientWidth - 2 * SIDE, (this.order.length - 1) * gap);
    this.laneCodes = [1, 2, 3, 4].filter((code) => this.order.some((name) => this.byName.get(name).lanes.includes(code)));
    this.height = this.source.height ?? 300;
    this.total = this.height + (this.laneCodes.length ? 8 + LANE * this.laneCodes.length : 0);
    this.width = inner + 2 * SIDE;
    this.at = this.order.map((_, i) => SIDE + (this.order.length > 1 ? inner * i / (this.order.length - 1) : inner / 2));
    this.laneY = [1, 2, 3, 4].map((code) => this.height + 8 + LANE * (this.laneCodes.indexOf(code) + 0.5));
    this.area.style.width = `${this.width}px`;
    this.area.style.height = `${this.total + 52}px`;
  }

  placeAxes() {
    const key = JSON.stringify([this.order, this.at, this.height, this.kinds]);
    if (key === this.axesKey) return;
    this.axesKey = key;
    const focused = document.activeElement?.dataset?.axis;
    this.heads.replaceChildren(...this.order.map((name, i) => this.axisNodes(name, i)));
    if (focused !== undefined) this.focusAxis(focused);
  }

  axisNodes(name, i) {
    const axis = this.byName.get(name);
    const arrow = axis.isObjective ? {maximize: ' ↑', minimize: ' ↓'}[this.source.direction] ?? '' : '';
    const kind = KIND_NAMES[this.kindOf(axis)];
    const title = make('span', {class: 'pc-name', dir: 'auto', title: `${name}: drag to move`, text: name + arrow, pointerdown: (e) => drag(this, e, name)});
    const scale = kind ? make('button', {type: 'button', text: kind, title: 'Change the scale', 'aria-label': `scale of ${name}: ${kind}`, click: () => this.nextKind(name)}) : make('i');
    const body = make('div', {class: 'pc-axis', tabindex: '0', role: 'slider', 'aria-orientation': 'vertical', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0',
      'aria-label': `${name}: arrows move, with shift they select, Delete clears, Alt and left or right reorder`,
      pointerdown: (e) => brush(this, e, name), keydown: (e) => key(this, e, name), focus: () => focusChanged(this, name), blur: () => this.drawOver()});
    body.dataset.axis = name;
    const node = make('div', {class: 'pc-column'}, make('div', {class: 'pc-head axis'}, title, scale), body);
    node.style.left = `${this.at[i]}px`;
    node.style.width = `${Math.min(120, this.at.length > 1 ? this.at[1] - this.at[0] - 4 : 120)}px`;
    body.style.height = `${this.total}px`;
    return node;
  }

  focusAxis(name) {
    [...this.heads.querySelectorAll('.pc-axis')].find((node) => node.dataset.axis === name)?.focus();
  }

  nextKind(name) {
    const axis = this.byName.get(name);
    const kinds = kindsOf(axis);
    this.kinds = keyedByName(this.kinds);
    this.kinds[name] = kinds[(kinds.indexOf(this.kindOf(axis)) + 1) % kinds.length];
    this.changed('rows');
  }

  /** The place of a row on an axis, in pixels from the top. */
  placeOf({axis, scale}, row) {
    const code = axis.lane[row];
    return code ? this.laneY[code - 1] : this.height * (1 - scale.to(axis.x[row]));
  }

  moveAxis(name, to) {
    const order = this.order.filter((other) => other !== name);
    order.splice(Math.max(0, Math.min(order.length, to)), 0, name);
    this.order = order;
    this.changed('rows');
  }

  /* ---- drawing ---- */

  get hasData() {
    return Boolean(this.source);
  }

  draw() {
    this.bar.firstChild.textContent = this.source.title ?? '';
    this.measure();
    this.placeAxes();
    this.select();
    this.drawOver();
    this.describe();
    this.tell(false);
    this.runSlices(steps(this));
  }

  describe() {
    const {count: n, of} = this.chosen;
    const percent = Math.round(100 * this.share);
    this.shareText.textContent = `${percent} %`;
    this.countText.textContent = of === this.n ? `${count(n)} of ${count(this.n)} trials`
      : `${count(n)} of the ${this.kept ? '' : `best `}${count(of)} trials`;
    this.scroll.setAttribute('aria-label', `${this.source.title ?? 'Parallel coordinates'}: ${this.order.length} axes, ${this.countText.textContent}. ${this.source.summary ?? ''}`);
  }

  drawOver() {
    if (!this.source) return;
    const ctx = context(this.canvases[2], this.width, this.total + 2);
    ctx.font = FONT;
    ctx.textBaseline = 'middle';
    drawLanes(this, ctx);
    this.order.forEach((name, k) => drawAxis(this, ctx, name, this.at[k]));
    this.markedRows().forEach((row) => drawRow(this, ctx, row));
    if (this.hovered !== undefined && this.hovered !== null) drawRow(this, ctx, this.hovered);
  }

  /* ---- ranges ---- */

  /** The ranges of an axis as [top, bottom] in pixels, each with its index in the list. */
  bands(name) {
    const {axis, scale} = this.fitted(name);
    const half = axis.keys.length ? this.height / axis.keys.length / 2 : 0;
    return (this.filter[name] ?? []).map((range) => {
      const lane = LANES.indexOf(range);
      const key = axis.keys.indexOf(range);
      if (Array.isArray(range)) return range.map((v) => this.height * (1 - Math.min(1, Math.max(0, scale.to(v))))).sort((a, b) => a - b);
      const y = key >= 0 ? this.height * (1 - scale.to(key)) : this.laneY[lane] ?? -100;
      return key >= 0 ? [y - half + 1, y + half - 1] : [y - LANE / 2 + 1, y + LANE / 2 - 1];
    });
  }

  setRanges(name, list) {
    this.filter = keyedByName(this.filter);
    this.filter[name] = [...new Map(list.map((range) => [JSON.stringify(range), range])).values()];
    if (this.filter[name].length === 0) delete this.filter[name];
    this.changed('selection');
  }

  /** Tells the page; while a range is being drawn at most as often as the picture is. */
  tell(isFinal) {
    const key = JSON.stringify([this.filter, this.select().count]);
    if (!isFinal && key === this.told) return;
    this.told = key;
    this.dispatchEvent(new CustomEvent('hone-ranges', {bubbles: true, detail: {ranges: this.filter, count: this.chosen.count, mask: this.chosen.mask, isFinal}}));
  }

  rangesBetween(name, y0, y1) {
    const {axis, scale} = this.fitted(name);
    const [top, bottom] = y0 < y1 ? [y0, y1] : [y1, y0];
    const lanes = axis.lanes.filter((code) => Math.abs(this.laneY[code - 1] - (top + bottom) / 2) <= (bottom - top) / 2 + LANE / 2 - 3);
    return brushed(axis, scale, 1 - y0 / this.height, 1 - y1 / this.height, lanes.filter(() => bottom > this.height));
  }

  markedRows() {
    if (this.marked.size === 0) return [];
    return Array.from(this.source.numbers, (n, row) => (this.marked.has(n) ? row : -1)).filter((row) => row >= 0);
  }
}

customElements.define('hone-parcoords', HoneParcoords);
