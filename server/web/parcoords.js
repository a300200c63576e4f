/* <hone-parcoords>: trials as lines across one axis a parameter, the objective last. All rows are a
 * picture of counts; those that are selected are drawn over it, line by line while they are few. */
import {brush, drag, focusChanged, key, LANE_NAMES} from './brushing.js';
import {CanvasElement, channels, colour, context, FONT, isDark, isForced, make, sameNumbers, rowsAndCommand} from './canvas.js';
import {drawAxis, drawLanes, SIDE} from './parcoords_axes.js';
import {addPairs, binPlaces, develop, makePicture} from './raster.js';
import {binPairs, binRows, brushed, css, keyedByName, kindsOf, labelOf, LANES, makeAxis, makeScale, rankColour,
  rankShares, selectRows, spread, topShare} from './scales.js';
import {count, num} from './view.js';

const MOST_LINES = 20_000; // more are drawn as a picture
const MOST_AXES = 24; // shown without being asked for
const LANE = 18;
const SHADES = 32;
const LINES_A_CHECK = 32;
const NEAR = 7; // CSS pixels
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

  /** @param {import('./scales.js').Ranges} ranges */
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
    this.area = make('div', {class: 'pc-area', pointermove: (e) => this.point(e), pointerleave: () => this.onFrame(() => this.hover(null)),
      click: (e) => this.pick(e)}, ...this.canvases, this.heads);
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
    this.runSlices(this.steps());
  }

  describe() {
    const {count: n, of} = this.chosen;
    const percent = Math.round(100 * this.share);
    this.shareText.textContent = `${percent} %`;
    this.countText.textContent = of === this.n ? `${count(n)} of ${count(this.n)} trials`
      : `${count(n)} of the ${this.kept ? '' : `best `}${count(of)} trials`;
    this.scroll.setAttribute('aria-label', `${this.source.title ?? 'Parallel coordinates'}: ${this.order.length} axes, ${this.countText.textContent}. ${this.source.summary ?? ''}`);
  }

  /* The counts of rows as cells, a pair of axes at a time. */
  * picture(rows) {
    const picture = makePicture(this.width, this.total + 2);
    const places = binPlaces(this.height, this.laneY);
    for (let k = 0; k + 1 < this.order.length; k++) {
      const pairs = binPairs(this.binsOf(this.order[k]), this.binsOf(this.order[k + 1]), rows, this.shades);
      addPairs(picture, pairs, this.at[k], this.at[k + 1], places);
      this.work.rows += rows.length;
      yield 0;
    }
    return picture;
  }

  /* A picture is made small; enlarged it is soft sideways only. */
  develop(canvas, picture, colourOf, faintest, strongest) {
    const image = develop(picture, colourOf, faintest, strongest);
    const ctx = context(canvas, this.width, this.total + 2, 1);
    const small = new OffscreenCanvas(image.width, image.height);
    small.getContext('2d').putImageData(image, 0, 0);
    ctx.drawImage(small, 0, 0, this.width, this.total + 2);
  }

  * drawBase() {
    const key = [this.width, this.total, isDark(), isForced()].join();
    if (this.base === key) return;
    const rows = new Uint32Array(this.n);
    let n = 0;
    for (let row = 0; row < this.n; row++) if (!this.kept || this.kept[row]) rows[n++] = row;
    const grey = channels('muted');
    const picture = yield* this.picture(rows.subarray(0, n));
    this.develop(this.canvases[0], picture, () => grey, 0.07, 0.4);
    this.base = key;
  }

  /* Some lines at once, then the picture of all rows, then the other lines. */
  * steps() {
    const {rows} = this.chosen;
    const canvas = this.canvases[1];
    if (rows.length > MOST_LINES) {
      const dark = isDark();
      yield* this.drawBase();
      return this.develop(canvas, yield* this.picture(rows), (t) => rankColour(t, dark), 0.25, 0.95);
    }
    const lines = this.lines(context(canvas, this.width, this.total + 2), rows);
    yield lines.next().value;
    yield* this.drawBase();
    yield* lines;
  }

  /* The order in which lines are drawn: spread over all, the best twentieth last, so on top. */
  drawOrder(rows) {
    const order = spread(rows.length).map((k) => rows[k]);
    const shades = new Float64Array(rows.length);
    for (let k = 0; k < rows.length; k++) shades[k] = this.shades[rows[k]];
    const limit = shades.sort()[Math.floor(rows.length / 20)] ?? 0;
    const isLate = (row) => this.shades[row] < limit;
    const late = order.filter(isLate);
    const all = order.filter((row) => !isLate(row));
    order.set(all);
    order.set(late, all.length);
    return order;
  }

  * lines(ctx, rows) {
    const dark = isDark();
    const alpha = Math.min(0.9, 5 / Math.sqrt(rows.length));
    const strokes = Array.from({length: SHADES}, (_, k) => (isForced() ? colour('text') : css(rankColour(k / (SHADES - 1), dark))));
    const axes = this.order.map((name) => this.fitted(name));
    let done = 0;

    ctx.lineWidth = rows.length > 2000 ? 1 : 1.3;
    ctx.globalAlpha = alpha;
    for (const row of this.drawOrder(rows)) {
      ctx.strokeStyle = strokes[Math.round(this.shades[row] * (SHADES - 1))];
      this.trace(ctx, axes, row);
      done += axes.length - 1;
      if (done >= LINES_A_CHECK * axes.length) {
        yield done;
        done = 0;
      }
    }
    yield done;
  }

  trace(ctx, axes, row) {
    ctx.beginPath();
    for (let k = 0; k < axes.length; k++) ctx.lineTo(this.at[k], this.placeOf(axes[k], row));
    ctx.stroke();
  }

  placeOf({axis, scale}, row) {
    const code = axis.lane[row];
    return code ? this.laneY[code - 1] : this.height * (1 - scale.to(axis.x[row]));
  }

  drawOver() {
    if (!this.source) return;
    const ctx = context(this.canvases[2], this.width, this.total + 2);
    ctx.font = FONT;
    ctx.textBaseline = 'middle';
    drawLanes(this, ctx);
    this.order.forEach((name, k) => drawAxis(this, ctx, name, this.at[k]));
    this.markedRows().forEach((row) => this.drawRow(ctx, row));
    if (this.hovered !== undefined && this.hovered !== null) this.drawRow(ctx, this.hovered);
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

  /* ---- pointing at a line ---- */

  /** The selected row whose line passes nearest to a place, or null. */
  hit(x, y) {
    const k = this.at.findIndex((at, i) => i + 1 < this.at.length && x >= at && x <= this.at[i + 1]);
    if (k < 0) return null;
    const [left, right] = [this.fitted(this.order[k]), this.fitted(this.order[k + 1])];
    const share = (x - this.at[k]) / (this.at[k + 1] - this.at[k]);
    const slack = NEAR;
    let best = null;
    let near = slack;
    for (const row of this.select().rows) {
      const a = this.placeOf(left, row);
      const d = Math.abs(a + (this.placeOf(right, row) - a) * share - y);
      if (d < near) {
        near = d;
        best = row;
      }
    }
    return best;
  }

  placeInArea(event) {
    const box = this.canvases[2].getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  point(event) {
    if (!this.source || event.buttons) return;
    const [x, y] = this.placeInArea(event);
    this.onFrame(() => this.hover(this.hit(x, y), x, y));
  }

  hover(row, x, y) {
    if (row === this.hovered && row === null) return;
    this.hovered = row;
    this.tip.hidden = row === null;
    this.area.classList.toggle('has-pick', row !== null);
    this.drawOver();
    if (row !== null) this.fillTip(row, x, y);
  }

  fillTip(row, x, y) {
    const text = (name) => `${name} ${this.textAt(this.byName.get(name), row)}`;
    this.tip.replaceChildren(...[`trial ${this.source.numbers[row]}`, ...[...this.order].reverse().slice(0, 9).map(text)]
      .map((line) => make('span', {dir: 'auto', text: line})));
    const left = x - this.scroll.scrollLeft;
    const isRight = left > this.clientWidth - 200;
    this.tip.style.left = `${isRight ? left - this.tip.offsetWidth - 14 : left + 14}px`;
    this.tip.style.top = `${this.scroll.offsetTop + 44 + Math.min(y, this.total - this.tip.offsetHeight)}px`;
  }

  markedRows() {
    if (this.marked.size === 0) return [];
    return Array.from(this.source.numbers, (n, row) => (this.marked.has(n) ? row : -1)).filter((row) => row >= 0);
  }

  drawRow(ctx, row) {
    const axes = this.order.map((name) => this.fitted(name));
    ctx.strokeStyle = colour('panel');
    ctx.lineWidth = 5;
    this.trace(ctx, axes, row);
    ctx.strokeStyle = colour('text');
    ctx.lineWidth = 2;
    this.trace(ctx, axes, row);
  }

  pick(event) {
    if (event.target.closest('.pc-column')) return;
    const [x, y] = this.placeInArea(event);
    const row = this.source ? this.hit(x, y) : null;
    if (row === null) return;
    this.dispatchEvent(new CustomEvent('hone-pick', {detail: {number: this.source.numbers[row]}, bubbles: true}));
  }
}

customElements.define('hone-parcoords', HoneParcoords);
