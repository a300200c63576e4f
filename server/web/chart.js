/* <hone-chart>: history, learning curves, slices, Pareto fronts by uPlot's axes and zoom and marks of
 * our own; importance as bars. */
import {CanvasElement, colour, context, drawState, FONT, isDark, isForced, make, stateColour, twin} from './canvas.js';
import {css, logTicks, rankColour, rankShares, viridis, visibleExtent} from './scales.js';
import {count, moment, num} from './view.js';

export {curlOf, twin} from './canvas.js';

const STEPS_A_CHECK = 256; // things drawn between two looks at the clock
const SHADES = 24;
const NEAR = 14; // CSS pixels from the pointer to what it points at
const DENSE = 4000; // points from which on they are counted a place
const RUG_SHARE = 0.09; // of the plot's height, below the lowest point
const ALPHAS = [0, 0.35, 0.55, 0.75, 1]; // of a place with one point, a few, many

/**
 * @typedef {{label: string, x: ArrayLike<number>, y: ArrayLike<number>, style: 'points'|'line'|'step'|'rug',
 *   state?: string, colour?: string, number?: number, numbers?: ArrayLike<number>, note?: string,
 *   shade?: ArrayLike<number>}} Series
 *   `shade`, 0 to 1 a point, colours each of them; a point whose y is not finite stands on the rug
 *   below the axis; `number` or `numbers` say which trial; `note` is said on hover
 * @typedef {{kind: string, title: string, x: {label: string, log?: boolean, time?: boolean, categories?: string[]},
 *   y: {label: string, log?: boolean, direction?: string}, series: Series[],
 *   bars?: {label: string, value: number, low?: number, high?: number, note?: string}[],
 *   summary: string, table?: () => any[], csv?: string, curl?: string, height?: number}} ChartData
 */

const isMarked = (series) => series.style === 'points' || series.style === 'rug';
const hasRug = (series) => series.style === 'rug'
  || (series.style === 'points' && Array.prototype.some.call(series.y, (v) => !Number.isFinite(v)));
const numberAt = (series, i) => series.number ?? series.numbers?.[i] ?? null;

export class HoneChart extends CanvasElement {
  /** @param {ChartData} data */
  set data(data) {
    const before = this.chart;
    this.chart = data;
    this.logX = before?.x?.label === data.x?.label && this.logX !== undefined ? this.logX : Boolean(data.x?.log);
    this.logY = before?.y?.label === data.y?.label && this.logY !== undefined ? this.logY : Boolean(data.y?.log);
    this.isClipped ??= true;
    this.order = undefined;
    this.invalidate();
  }

  get data() {
    return this.chart;
  }

  build() {
    this.head = make('div', {class: 'chart-head'});
    this.plot = make('div', {class: 'chart-plot', role: 'img', tabindex: '0', keydown: (e) => this.key(e),
      pointermove: (e) => this.point(e), pointerleave: () => this.show(null), click: () => this.pick()});
    this.axisLabel = make('div', {class: 'chart-axis', dir: 'auto'});
    this.tip = make('div', {class: 'chart-tip', role: 'status', hidden: true});
    this.marks = make('canvas', {class: 'chart-marks', 'aria-hidden': 'true'});
    this.over = make('canvas', {class: 'chart-marks', 'aria-hidden': 'true'});
    this.append(this.head, this.axisLabel, this.plot, this.tip, twin(() => this.chart ?? {}));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.u?.destroy();
    this.u = undefined;
  }

  draw() {
    const data = this.chart;
    if (!data) return;
    this.plot.setAttribute('aria-label', `${data.title}. ${data.summary ?? ''}`);
    this.drawHead();
    if (data.kind === 'bars') return this.drawBars();
    const arrow = {maximize: ' ↑', minimize: ' ↓'}[data.y.direction] ?? '';
    this.axisLabel.textContent = data.y.label + arrow;
    this.measure();
    this.colours();
    this.ensurePlot();
  }

  /* ---- head: title, legend, switches ---- */

  drawHead() {
    const {title, series = [], kind, x, y} = this.chart;
    const toggles = kind === 'bars' ? [] : [
      this.toggle('log x', 'logX', !x.time && !x.categories && this.positive('x')), this.toggle('log y', 'logY', this.positive('y')),
      this.toggle('clip outliers', 'isClipped', this.outside > 0 || !this.isClipped)];
    const key = JSON.stringify([title, toggles.map((t) => t?.textContent + t?.ariaPressed), series.length > 8
      ? 0 : series.map((s) => [s.label, s.style, s.state, s.colour]), isDark(), this.zoomed, y?.direction]);
    if (key === this.headKey) return;
    this.headKey = key;
    this.head.replaceChildren(make('b', {class: 'chart-title', dir: 'auto', text: title}),
      this.legend(), make('span', {class: 'chart-tools'}, ...toggles,
        this.zoomed ? make('button', {type: 'button', text: 'whole', click: () => this.unzoom()}) : null));
  }

  toggle(label, member, isUseful) {
    if (!isUseful) return null;
    const button = make('button', {type: 'button', text: label, 'aria-pressed': String(this[member]), click: () => {
      this[member] = !this[member];
      this.rebuild = true;
      this.zoomed = false;
      this.invalidate();
    }});
    return button;
  }

  positive(axis) {
    return this.chart.series.every((s) => {
      for (const v of s[axis]) if (v <= 0) return false;
      return true;
    });
  }

  legend() {
    const {kind, series = []} = this.chart;
    if (kind === 'curves' || kind === 'slice') return this.rampLegend();
    if (series.length < 2 || series.length > 8) return make('span');
    return make('span', {class: 'chart-legend'}, ...series.map((s) => {
      const canvas = make('canvas', {'aria-hidden': 'true'});
      const ctx = context(canvas, 16, 12);
      ctx.strokeStyle = ctx.fillStyle = this.seriesColour(s);
      if (isMarked(s)) this.drawOne(ctx, s, 8, 6);
      else {
        ctx.lineWidth = 2;
        ctx.strokeRect(1, 6, 14, 0);
      }
      return make('span', {}, canvas, s.label);
    }));
  }

  rampLegend() {
    const canvas = make('canvas', {'aria-hidden': 'true'});
    const ctx = context(canvas, 64, 8);
    const isCurves = this.chart.kind === 'curves';
    for (let i = 0; i < 64; i++) {
      ctx.fillStyle = css(isCurves ? rankColour(i / 63, isDark()) : this.orderColour(i / 63));
      ctx.fillRect(i, 0, 1, 8);
    }
    const [from, to] = isCurves ? ['best', 'worst'] : ['first', 'last'];
    return make('span', {class: 'chart-legend'}, make('span', {}, from, canvas, to));
  }

  /* ---- extents ---- */

  extent(axis, log, clip) {
    const all = this.chart.series.filter((s) => s.style !== 'rug' || axis === 'x').map((s) => s[axis]);
    const joined = new Float64Array(all.reduce((n, x) => n + x.length, 0));
    let at = 0;
    for (const x of all) {
      joined.set(x, at);
      at += x.length;
    }
    return visibleExtent(joined, {clip, log}) ?? {lo: log ? 1 : 0, hi: log ? 10 : 1, outside: 0};
  }

  measure() {
    const wide = ({lo, hi, outside}, log) => {
      if (log) {
        const f = hi > lo ? (hi / lo) ** 0.04 : 2;
        return {lo: lo / f, hi: hi * f, outside};
      }
      const pad = hi > lo ? (hi - lo) * 0.04 : Math.abs(hi) * 0.1 || 1;
      return {lo: lo - pad, hi: hi + pad, outside};
    };
    this.logX = this.logX && !this.chart.x.categories && this.positive('x');
    this.logY = this.logY && this.positive('y');
    const {categories} = this.chart.x;
    this.ex = categories ? {lo: -0.5, hi: Math.max(0.5, categories.length - 0.5)}
      : wide(this.extent('x', this.logX, false), this.logX);
    this.ey = wide(this.extent('y', this.logY, this.isClipped), this.logY);
    this.outside = this.ey.outside;
    if (this.chart.series.some(hasRug)) this.makeRoomForRug();
  }

  makeRoomForRug() {
    const {lo, hi} = this.ey;
    this.ey.lo = this.logY ? lo / (hi / lo) ** RUG_SHARE : lo - (hi - lo) * RUG_SHARE;
  }

  /* ---- colours ---- */

  orderColour(t) {
    return viridis(isDark() ? 0.25 + 0.75 * t : 0.9 - 0.9 * t);
  }

  seriesColour(series) {
    if (series.colour) return colour(series.colour);
    return series.state && series.state !== 'completed' ? stateColour(series.state)
      : series.style === 'points' ? stateColour('completed') : colour('accent');
  }

  colours() {
    const {kind, series, y} = this.chart;
    const dark = isDark();
    if (kind === 'curves') {
      const last = series.map((s) => lastFinite(s.y));
      const ranks = rankShares(last, y.direction);
      this.strokes = series.map((s, i) => (isForced() ? colour('text')
        : css(rankColour(Number.isNaN(ranks[i]) ? 1 : ranks[i], dark), 0.9)));
      return;
    }
    this.strokes = series.map((s) => this.seriesColour(s));
    if (kind === 'slice') this.shadeByOrder();
    this.shades = isForced() ? [] : Array.from({length: SHADES}, (_, i) => css(this.orderColour(i / (SHADES - 1)), 0.85));
  }

  shadeByOrder() {
    const last = this.chart.series.reduce((n, s) => Math.max(n, s.numbers?.at(-1) ?? 0), 1);
    for (const s of this.chart.series) {
      if (s.numbers && (s.state ?? 'completed') === 'completed') s.shade ??= Float64Array.from(s.numbers, (n) => n / last);
    }
  }

  /* ---- uPlot: axes, grid, zoom ---- */

  ensurePlot() {
    const width = this.plot.clientWidth;
    const height = this.chart.height ?? 260;
    const kind = [this.logX, this.logY, this.chart.x.time, this.chart.x.label, this.chart.y.label].join();
    if (this.u && (this.rebuild || kind !== this.plotKind)) {
      this.u.destroy();
      this.u = undefined;
    }
    this.rebuild = false;
    this.plotKind = kind;
    if (!this.u) {
      this.zoomed = false;
      this.u = new uPlot(this.options(width, height), [[1, 2], [null, null]], this.plot);
      this.u.over.append(this.marks, this.over);
      return;
    }
    if (this.u.width !== width || this.u.height !== height) this.u.setSize({width, height});
    this.u.batch(() => {
      if (!this.zoomed) {
        this.u.setScale('x', {min: this.ex.lo, max: this.ex.hi});
        this.u.setScale('y', {min: this.ey.lo, max: this.ey.hi});
      }
      this.u.redraw(false, true);
    });
  }

  options(width, height) {
    const axis = (scale, isLog, size, space) => ({scale, size, space, gap: 4, font: FONT,
      stroke: () => colour('muted'), grid: {stroke: () => colour('line'), width: 1}, ticks: {show: false},
      ...(isLog ? {splits: (u, _, min, max) => logTicks(min, max, Math.max(2, Math.floor(
        (scale === 'x' ? u.width : u.height) / space)))} : {}),
      ...(this.chart[scale].time ? {} : {values: (_, ticks) => ticks.map(tickText)}),
      ...(this.chart[scale].categories ? this.categoryTicks(this.chart[scale].categories, space) : {})});
    const scale = (name, log) => ({time: name === 'x' && Boolean(this.chart.x.time), distr: log ? 3 : 1, log: 10,
      range: () => (name === 'x' ? [this.ex.lo, this.ex.hi] : [this.ey.lo, this.ey.hi])});
    return {width, height, legend: {show: false}, ms: 1, padding: [8, 10, 0, 0],
      scales: {x: scale('x', this.logX), y: scale('y', this.logY)},
      axes: [{...axis('x', this.logX, 24, 60), label: this.chart.x.label, labelSize: 16, labelGap: 0,
        labelFont: FONT}, axis('y', this.logY, 52, 32)],
      series: [{}, {scale: 'y', paths: () => null, points: {show: false}}],
      cursor: {drag: {x: true, y: true, uni: 12, setScale: true}, points: {show: false}},
      hooks: {draw: [() => this.drawMarks()], setSelect: [(u) => {
        if (u.select.width > 0) this.zoomed = true;
      }]}};
  }

  categoryTicks(names, space) {
    const short = (name) => (name.length > 14 ? `${name.slice(0, 13)}…` : name);
    return {splits: (u) => {
      const step = Math.ceil(names.length / Math.max(1, Math.floor(u.width / space)));
      return names.map((_, i) => i).filter((i) => i % step === 0);
    }, values: (_, ticks) => ticks.map((i) => short(names[i] ?? '')), grid: {show: false}};
  }

  unzoom() {
    this.zoomed = false;
    this.invalidate();
  }

  /* A function from data to CSS pixels inside the plot; beyond its edges included. */
  place(axis) {
    const {min, max, distr} = this.u.scales[axis];
    const length = axis === 'x' ? this.u.over.clientWidth : this.u.over.clientHeight;
    const f = distr === 3 ? Math.log : (v) => v;
    const k = length / (f(max) - f(min));
    const from = f(min);
    return axis === 'x' ? (v) => (f(v) - from) * k : (v) => length - (f(v) - from) * k;
  }

  /* ---- marks ---- */

  drawMarks() {
    const {over} = this.u;
    const ctx = context(this.marks, over.clientWidth, over.clientHeight);
    this.frameSize = {width: over.clientWidth, height: over.clientHeight};
    context(this.over, over.clientWidth, over.clientHeight);
    this.px = this.place('x');
    this.py = this.place('y');
    this.runSlices(this.marksOf(ctx));
    this.drawHead();
  }

  * marksOf(ctx) {
    const {series} = this.chart;
    for (let k = 0; k < series.length; k++) {
      const s = series[k];
      ctx.strokeStyle = ctx.fillStyle = this.strokes[k];
      if (isMarked(s)) yield* this.points(ctx, s);
      else yield this.line(ctx, s);
    }
    if (this.chart.kind === 'curves') yield this.ends(ctx);
  }

  line(ctx, series, more = 0) {
    const {x, y, style} = series;
    let isDown = false;
    let before = 0;

    ctx.lineWidth = (style === 'line' ? 1.2 : 1.8) + more;
    ctx.lineJoin = 'round';
    ctx.beginPath();
    for (let i = 0; i < x.length; i++) {
      const at = this.px(x[i]);
      const to = this.py(y[i]);
      if (!Number.isFinite(to)) {
        isDown = false;
        continue;
      }
      if (isDown && style === 'step') ctx.lineTo(at, before);
      if (!isDown) ctx.moveTo(at, to);
      else if (style !== 'step' || to !== before) ctx.lineTo(at, to);
      before = to;
      isDown = true;
    }
    if (isDown && style === 'step' && this.chart.kind === 'history') ctx.lineTo(this.frameSize.width, before);
    ctx.stroke();
    return x.length;
  }

  /* A stopped curve ends with a dot, one that still runs with a ring. */
  ends(ctx) {
    this.chart.series.forEach((s, k) => {
      const i = lastFiniteIndex(s.y);
      if (i < 0 || s.state === 'completed') return;
      ctx.beginPath();
      ctx.arc(this.px(s.x[i]), this.py(s.y[i]), s.state === 'running' ? 3.5 : 2.5, 0, 7);
      ctx.strokeStyle = ctx.fillStyle = this.strokes[k];
      ctx.lineWidth = 1.5;
      if (s.state === 'running') ctx.stroke();
      else ctx.fill();
    });
    return this.chart.series.length;
  }

  /* Where points are many they are counted in cells of 2 × 2 pixels, and a cell is drawn once. */
  * points(ctx, series) {
    const {x, y} = series;
    const {width, height} = this.frameSize;
    const cells = x.length > DENSE && !series.shade ? makeCells(width, height) : null;
    let done = 0;

    for (let i = 0; i < x.length; i++) {
      const at = this.px(x[i]);
      const to = series.style === 'rug' ? NaN : this.py(y[i]);
      if (at >= 0 && at <= width) {
        if (series.shade && this.shades.length) {
          ctx.fillStyle = ctx.strokeStyle = this.shades[Math.round(series.shade[i] * (SHADES - 1))];
        }
        if (!Number.isFinite(to)) this.rugMark(ctx, series, at);
        else if (to < 0 || to > height) this.edgeMark(ctx, at, to < 0 ? 1 : height - 1, to < 0);
        else if (cells) cells.counts[(to >> 1) * cells.columns + (at >> 1)]++;
        else this.drawOne(ctx, series, at, to);
      }
      if (++done === STEPS_A_CHECK) {
        yield done;
        done = 0;
      }
    }
    yield done;
    if (cells) yield* drawCells(ctx, cells);
  }

  drawOne(ctx, series, x, y) {
    const state = series.style === 'rug' || (series.state && !['completed', 'running'].includes(series.state)) ? series.state : null;
    if (state) return drawState(ctx, state, x, y, 8, ctx.fillStyle);
    ctx.beginPath();
    ctx.arc(x, y, series.x.length > 600 ? 2 : 2.8, 0, 7);
    if (series.state === 'running') {
      ctx.lineWidth = 1.5;
      ctx.stroke();
    } else {
      ctx.globalAlpha = 0.8;
      ctx.fill();
      ctx.globalAlpha = 1;
    }
  }

  rugMark(ctx, series, x) {
    const {height} = this.frameSize;
    if (series.x.length > this.frameSize.width / 8 || !series.state) ctx.fillRect(x - 0.5, height - 8, 1, 7);
    else drawState(ctx, series.state, x, height - 7, 8, ctx.fillStyle);
  }

  edgeMark(ctx, x, y, isTop) {
    const d = isTop ? 5 : -5;
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x - 3, y + d);
    ctx.lineTo(x + 3, y + d);
    ctx.fill();
  }

  /* ---- pointer and keys ---- */

  /** The trial at a place of the plot in CSS pixels, or null: {series, i, x, y}. */
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
        const x = this.px(s.x[i]);
        if (x < mx - NEAR && isMarked(s)) continue;
        const y = s.style === 'rug' || !Number.isFinite(s.y[i]) ? this.frameSize.height - 6 : this.clampY(this.py(s.y[i]));
        take(s, k, i, x, y);
        if (!isMarked(s) && i > 0) this.between(s, k, i, mx, my, take);
      }
    });
    return best;
  }

  clampY(y) {
    return Math.min(this.frameSize.height, Math.max(0, y));
  }

  between(s, k, i, mx, my, take) {
    const [x0, x1] = [this.px(s.x[i - 1]), this.px(s.x[i])];
    if (mx < x0 || mx > x1 || x1 === x0) return;
    const [y0, y1] = [this.py(s.y[i - 1]), this.py(s.y[i])];
    take(s, k, i, mx, y0 + (y1 - y0) * (mx - x0) / (x1 - x0));
  }

  point(event) {
    if (!this.u || this.chart.kind === 'bars') return;
    const box = this.u.over.getBoundingClientRect();
    const now = performance.now();
    if (now - (this.pointedAt ?? 0) < 40) return;
    this.pointedAt = now;
    this.show(this.hit(event.clientX - box.left, event.clientY - box.top));
  }

  show(found) {
    this.found = found;
    if (!this.u) return;
    const ctx = context(this.over, this.frameSize.width, this.frameSize.height);
    this.tip.hidden = !found;
    this.plot.classList.toggle('has-pick', Boolean(found && numberAt(found.series, found.i) !== null));
    if (!found) return;
    this.emphasise(ctx, found);
    this.tip.replaceChildren(...this.describe(found).map((text) => make('span', {dir: 'auto', text})));
    this.placeTip(found.x, found.y);
  }

  emphasise(ctx, {series, k, x, y}) {
    ctx.strokeStyle = ctx.fillStyle = isMarked(series) ? colour('text') : this.strokes[k];
    if (!isMarked(series)) this.line(ctx, series, 1.6);
    ctx.strokeStyle = colour('text');
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.arc(x, y, 5.5, 0, 7);
    ctx.stroke();
  }

  describe({series, i}) {
    const {x, y} = this.chart;
    const trial = numberAt(series, i);
    const at = x.time ? moment(series.x[i]) : num(series.x[i]);
    const lines = [trial === null ? series.label : `trial ${trial}${series.state ? `, ${series.state}` : ''}`];
    if (x.label !== 'trial') lines.push(`${x.label} ${at}`);
    if (series.style !== 'rug') lines.push(`${y.label} ${num(series.y[i])}`);
    if (series.note) lines.push(series.note);
    return lines;
  }

  placeTip(x, y) {
    const box = this.u.over.getBoundingClientRect();
    const own = this.getBoundingClientRect();
    const left = box.left - own.left + x;
    const isRight = left > own.width - 190;
    this.tip.style.left = `${isRight ? left - this.tip.offsetWidth - 12 : left + 12}px`;
    this.tip.style.top = `${Math.max(0, box.top - own.top + y - 10)}px`;
  }

  pick() {
    const trial = this.found ? numberAt(this.found.series, this.found.i) : null;
    if (trial === null || (this.u.select?.width ?? 0) > 0) return;
    this.dispatchEvent(new CustomEvent('hone-pick', {detail: {number: trial}, bubbles: true}));
  }

  /* All points that stand for trials, by x and then y, for the arrow keys. */
  stops() {
    this.order ??= this.chart.series.flatMap((series, k) => (numberAt(series, 0) === null ? []
      : isMarked(series) ? Array.from(series.x, (_, i) => ({series, k, i})) : [{series, k, i: Math.max(0, lastFiniteIndex(series.y))}]))
      .sort((a, b) => a.series.x[a.i] - b.series.x[b.i] || a.series.y[a.i] - b.series.y[b.i]);
    return this.order;
  }

  key(event) {
    if (this.chart?.kind === 'bars' || !this.u || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = {ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity}[event.key];
    if (step !== undefined) this.moveTo(step);
    else if (event.key === 'Enter') this.pick();
    else if (event.key === '+' || event.key === '-') this.zoom(event.key === '+' ? 0.6 : 1 / 0.6);
    else if (event.key === '0' || event.key === 'Escape') {
      this.show(null);
      this.unzoom();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  moveTo(step) {
    const stops = this.stops();
    if (stops.length === 0) return;
    const at = stops.findIndex((s) => s.series === this.found?.series && s.i === this.found?.i);
    const stop = stops[Math.min(stops.length - 1, Math.max(0, at < 0 && Number.isFinite(step) ? 0 : at + step))];
    const {series, i} = stop;
    const y = series.style === 'rug' || !Number.isFinite(series.y[i]) ? this.frameSize.height - 6 : this.clampY(this.py(series.y[i]));
    this.show({...stop, x: this.px(series.x[i]), y});
  }

  /* Zooms the x axis around what is pointed at, or its middle. */
  zoom(factor) {
    const {width} = this.frameSize;
    const at = this.found?.x ?? width / 2;
    const [from, to] = [at - at * factor, at + (width - at) * factor];
    this.zoomed = true;
    this.u.setScale('x', {min: this.u.posToVal(from, 'x'), max: this.u.posToVal(to, 'x')});
  }

  /* ---- bars ---- */

  drawBars() {
    const {bars = []} = this.chart;
    const top = Math.max(1e-12, ...bars.map((b) => Math.max(b.value, b.high ?? 0)));
    this.plot.classList.add('bars');
    this.plot.replaceChildren(...bars.map((bar) => {
      const fill = make('i', {class: 'bar-fill'});
      const error = bar.high === undefined ? null : make('i', {class: 'bar-error'});
      fill.style.width = `${100 * bar.value / top}%`;
      if (error) {
        error.style.left = `${100 * (bar.low ?? bar.value) / top}%`;
        error.style.width = `${100 * (bar.high - (bar.low ?? bar.value)) / top}%`;
      }
      return make('div', {class: 'bar-row', title: bar.note ?? ''}, make('span', {class: 'bar-label', dir: 'auto', text: bar.label}),
        make('span', {class: 'bar-track'}, fill, error), make('span', {class: 'bar-value', text: bar.text ?? num(bar.value)}));
    }));
  }
}

function makeCells(width, height) {
  const columns = (Math.ceil(width) >> 1) + 1;
  return {columns, counts: new Uint32Array(columns * ((Math.ceil(height) >> 1) + 1))};
}

function* drawCells(ctx, {columns, counts}) {
  let done = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    if (counts[cell] === 0) continue;
    ctx.globalAlpha = ALPHAS[Math.min(ALPHAS.length - 1, 1 + Math.floor(Math.log2(counts[cell])))];
    ctx.fillRect(2 * (cell % columns), 2 * Math.floor(cell / columns), 2, 2);
    if (++done === STEPS_A_CHECK) {
      yield 0; // its points were counted already
      done = 0;
    }
  }
  ctx.globalAlpha = 1;
}

const tickText = (v) => (v === null ? '' : Number.isInteger(v) && Math.abs(v) >= 1e4 && Math.abs(v) < 1e9 ? count(v) : num(v));

const lastFiniteIndex = (y) => {
  let i = y.length - 1;
  while (i >= 0 && !Number.isFinite(y[i])) i--;
  return i;
};
const lastFinite = (y) => (y.length ? y[lastFiniteIndex(y)] ?? NaN : NaN);

customElements.define('hone-chart', HoneChart);
