/* <hone-lanes>: what each slot of each worker did over time. Attempts have a colour and a pattern by
 * how they ended; between them stands why nothing ran. */
import {CanvasElement, colour, context, fitText, FONT, make, stateColour, rowsAndCommand} from './canvas.js';
import {BAR, busyShare, idleAt, moved, neighbour, placeOf, ROW, spanAt, spansIn, wholeRange, zoomed} from './lanes_layout.js';
import {timeText, timeTicks} from './ticks.js';
import {curlOf} from './share.js';
import {count, moment, num, plural, span as spanText} from './view.js';

const AXIS = 26;
const MOST_HEIGHT = 620; // more lanes are scrolled
const X_SPACE = 76;
const BARS_A_CHECK = 128;
const PAN = 0.2; // of the range, by a key

/* How attempts end: pattern, and the state whose colour it has. */
const ENDS = {
  running: ['open', 'running'], completed: ['plain', 'completed'], pruned: ['rising', 'pruned'],
  paused: ['stripes', 'paused'], failed: ['crossed', 'failed'], lost: ['dots', 'failed'],
  preempted: ['falling', 'paused'], infeasible: ['crossed', 'infeasible'], cancelled: ['rising', 'cancelled'],
  released: ['dots', 'cancelled'], superseded: ['falling', 'cancelled'],
};
const IDLE = {waiting: 'waits for a rung', draining: 'draining', quarantined: 'quarantined', gone: 'gone', paused: 'study paused',
  'no study': 'no study to work on', unknown: 'idle'};
const STROKES = {rising: [[0, 8, 8, 0]], falling: [[0, 0, 8, 8]], crossed: [[0, 8, 8, 0], [0, 0, 8, 8]], stripes: [[4, 0, 4, 8]]};

const TINTS = {plain: 0.6, open: 0.16};

const endOf = (span) => span.end ?? 'running';
const idleText = (reason) => IDLE[reason] ?? reason;

/** A tile of 8 pixels: a tint of the colour, and lines or dots in it. */
function tile(kind, tone) {
  const canvas = make('canvas');
  const ctx = context(canvas, 8, 8);
  ctx.fillStyle = ctx.strokeStyle = tone;
  ctx.globalAlpha = TINTS[kind] ?? 0.25;
  ctx.fillRect(0, 0, 8, 8);
  ctx.globalAlpha = 0.75;
  ctx.lineWidth = 1.6;
  ctx.lineCap = 'square';
  for (const [x0, y0, x1, y1] of STROKES[kind] ?? []) {
    for (const by of [-8, 0, 8]) {
      ctx.beginPath();
      ctx.moveTo(x0 + by, y0);
      ctx.lineTo(x1 + by, y1);
      ctx.stroke();
    }
  }
  if (kind === 'dots') [[2, 2], [6, 6]].forEach(([x, y]) => ctx.fillRect(x - 1, y - 1, 2, 2));
  return canvas;
}

export class HoneLanes extends CanvasElement {
  constructor() {
    super();
    this.json = {items: [], from_ms: 0, to_ms: 60_000};
  }

  /** @param {*} json of `v1/workers/lanes` */
  set lanes(json) {
    this.json = json;
    this.whole = wholeRange(json);
    this.now = json.to_ms;
    if (!this.isZoomed) this.range = this.whole;
    else this.range = moved(this.range, this.whole, this.follows ? this.whole.to - this.range.to : 0);
    this.found = null;
    this.invalidate();
  }

  build() {
    this.canvas = make('canvas', {'aria-hidden': 'true'});
    this.space = make('div', {class: 'lanes-space'}, this.canvas);
    this.view = make('div', {class: 'lanes-view', role: 'img', tabindex: '0', keydown: (e) => this.key(e), pointermove: (e) => this.point(e),
      pointerleave: () => this.onFrame(() => this.show(null)), pointerdown: (e) => this.press(e), scroll: () => this.invalidate(), dblclick: () => this.zoomOut()}, this.space);
    this.view.addEventListener('wheel', (e) => this.wheel(e), {passive: false});
    this.tip = make('div', {class: 'chart-tip', role: 'status', hidden: true});
    this.legend = make('span', {class: 'chart-legend'});
    this.summary = make('span', {class: 'pc-count'});
    const button = (text, title, click) => make('button', {type: 'button', text, title, click});
    this.append(make('div', {class: 'chart-head'}, this.summary, this.legend, make('span', {class: 'chart-tools'},
      button('−', 'Show more time (key −)', () => this.zoomBy(2)), button('+', 'Show less time (key +)', () => this.zoomBy(0.5)),
      button('all', 'All of the time (key 0)', () => this.zoomOut()))), this.view, this.tip, rowsAndCommand(() => this.asTable()));
  }

  /* ---- drawing ---- */

  get hasData() {
    return Boolean(this.range);
  }

  draw() {
    const {items} = this.json;
    this.gutter = this.clientWidth < 600 ? 96 : 150;
    this.width = Math.max(60, this.view.clientWidth - this.gutter - 8);
    const total = AXIS + Math.max(1, items.length) * ROW + 2;
    this.view.style.height = `${Math.min(total, MOST_HEIGHT)}px`;
    this.space.style.height = `${total}px`;
    const height = Math.min(total, MOST_HEIGHT);
    this.ctx = context(this.canvas, this.view.clientWidth, height);
    this.tiles = new Map();
    this.describe();
    this.drawLegend();
    this.runSlices(this.rows(this.ctx, height));
  }

  /* Only the rows in sight, below the axis. */
  * rows(ctx, height) {
    const top = this.view.scrollTop;
    const first = Math.max(0, Math.floor(top / ROW));
    const last = Math.min(this.json.items.length, Math.ceil((top + height) / ROW));

    ctx.save();
    ctx.beginPath();
    ctx.rect(0, AXIS, this.gutter + this.width + 8, height - AXIS);
    ctx.clip();
    for (let lane = first; lane < last; lane++) yield* this.drawLane(ctx, lane, AXIS + lane * ROW - top);
    ctx.restore();
    this.drawAxis(ctx, height);
    if (this.found) this.drawFound(ctx, top);
    yield 1;
  }

  * drawLane(ctx, lane, y) {
    const item = this.json.items[lane];
    const at = placeOf(this.range, this.width);
    let done = 0;
    let edge = -Infinity;

    this.drawName(ctx, item, y);
    ctx.fillStyle = colour('line');
    ctx.fillRect(0, y + ROW - 0.5, this.gutter + this.width + 8, 0.5);
    ctx.save();
    ctx.beginPath();
    ctx.rect(this.gutter, y, this.width, ROW);
    ctx.clip();
    for (const gap of item.idle ?? []) this.drawIdle(ctx, gap, at, y);
    for (const place of spansIn(item, this.range, this.now)) {
      const x1 = at(place.to);
      if (x1 < edge + 0.5) continue; // hidden by what is drawn already
      this.drawSpan(ctx, place, at, y);
      edge = Math.max(x1, at(place.from) + 1);
      if (++done === BARS_A_CHECK) {
        yield done;
        done = 0;
      }
    }
    ctx.restore();
    yield done;
  }

  drawName(ctx, {worker, state}, y) {
    const isWell = !state || state === 'active';
    ctx.font = FONT;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.fillStyle = colour(isWell ? 'text' : 'muted');
    const note = isWell ? '' : ` ${state}`;
    ctx.fillText(fitText(ctx, worker + note, this.gutter - 16), 4, y + ROW / 2);
  }

  drawIdle(ctx, gap, at, y) {
    const x0 = this.gutter + Math.max(0, at(gap.from_ms));
    const x1 = this.gutter + Math.min(this.width, at(gap.to_ms));
    const middle = y + ROW / 2;
    if (x1 - x0 < 1) return;
    ctx.strokeStyle = colour('muted');
    ctx.globalAlpha = 0.6;
    ctx.lineWidth = 1;
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(x0 + 2, middle + 0.5);
    ctx.lineTo(x1 - 2, middle + 0.5);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
    const text = idleText(gap.reason);
    const width = ctx.measureText(text).width;
    if (width + 14 > x1 - x0) return;
    ctx.fillStyle = colour('panel');
    ctx.fillRect((x0 + x1 - width) / 2 - 4, middle - 7, width + 8, 14);
    ctx.fillStyle = colour('muted');
    ctx.textAlign = 'left';
    ctx.fillText(text, (x0 + x1 - width) / 2, middle);
  }

  fillOf(ctx, end) {
    if (!this.tiles.has(end)) {
      const [kind, state] = ENDS[end] ?? ['dots', end];
      const pattern = ctx.createPattern(tile(kind, stateColour(state)), 'repeat');
      const ratio = devicePixelRatio || 1;
      pattern.setTransform(new DOMMatrix([1 / ratio, 0, 0, 1 / ratio, 0, 0]));
      this.tiles.set(end, pattern);
    }
    return this.tiles.get(end);
  }

  drawSpan(ctx, {span, from, to}, at, y) {
    const x0 = this.gutter + at(from);
    const width = Math.max(1.5, at(to) - at(from) - 1);
    const top = y + (ROW - BAR) / 2;
    const end = endOf(span);

    ctx.fillStyle = this.fillOf(ctx, end);
    ctx.fillRect(x0, top, width, BAR);
    ctx.strokeStyle = stateColour(ENDS[end]?.[1] ?? end);
    this.drawOutline(ctx, x0, top, width, end === 'running');
    const text = `#${span.trial}`;
    const left = Math.max(x0, this.gutter);
    if (x0 + width - left > ctx.measureText(text).width + 10) this.drawLabel(ctx, text, left + 5, y + ROW / 2);
  }

  /* Open at the right side while it runs. */
  drawOutline(ctx, x, y, width, isOpen) {
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x + width - 0.5, y + 0.5);
    ctx.lineTo(x + 0.5, y + 0.5);
    ctx.lineTo(x + 0.5, y + BAR - 0.5);
    ctx.lineTo(x + width - 0.5, y + BAR - 0.5);
    if (!isOpen) ctx.closePath();
    ctx.stroke();
  }

  drawLabel(ctx, text, x, y) {
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.lineJoin = 'round';
    ctx.lineWidth = 3.5;
    ctx.strokeStyle = colour('panel');
    ctx.fillStyle = colour('text');
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
  }

  drawAxis(ctx, height) {
    const at = placeOf(this.range, this.width);
    const ticks = timeTicks(this.range.from, this.range.to, Math.max(2, Math.floor(this.width / X_SPACE)));
    ctx.font = FONT;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    ctx.lineWidth = 1;
    for (const ms of ticks) {
      const x = Math.round(this.gutter + at(ms)) + 0.5;
      ctx.fillStyle = colour('muted');
      const text = timeText(ms, ticks[1] - ticks[0]);
      ctx.fillText(text, Math.min(x, this.gutter + this.width - ctx.measureText(text).width / 2), 11);
      ctx.strokeStyle = colour('line');
      ctx.globalAlpha = 0.7;
      ctx.strokeRect(x, 20, 0, 5);
      ctx.globalAlpha = 1;
    }
    const x = Math.round(this.gutter + at(this.now)) + 0.5;
    if (x < this.gutter || x > this.gutter + this.width + 1) return;
    ctx.strokeStyle = colour('accent');
    ctx.beginPath();
    ctx.moveTo(x, 20);
    ctx.lineTo(x, height);
    ctx.stroke();
  }

  drawFound(ctx, top) {
    const {lane, from, to} = this.found;
    const at = placeOf(this.range, this.width);
    ctx.strokeStyle = colour('text');
    ctx.lineWidth = 2;
    ctx.strokeRect(this.gutter + at(from) - 1, AXIS + lane * ROW - top + (ROW - BAR) / 2 - 1, Math.max(3, at(to) - at(from) + 1), BAR + 2);
  }

  describe() {
    const {items} = this.json;
    const busy = busyShare(items, this.range, this.now);
    this.summary.textContent = items.length ? `${plural(items.length, 'slot')}, busy ${num(100 * busy, 3)} % of ${spanText((this.range.to - this.range.from) / 1000)}` : '';
    this.view.setAttribute('aria-label', `Lanes of workers: ${this.summary.textContent || 'none yet'}. Arrows move between attempts, Enter opens the trial, plus and minus zoom.`);
  }

  drawLegend() {
    const present = new Set(this.json.items.flatMap((item) => item.spans.map(endOf)));
    const ends = Object.keys(ENDS).filter((end) => present.has(end));
    const key = ends.join() + colour('panel');
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren(...ends.map((end) => {
      const canvas = make('canvas', {'aria-hidden': 'true'});
      const ctx = context(canvas, 22, 12);
      ctx.fillStyle = this.fillOf(ctx, end);
      ctx.fillRect(0, 0, 22, 12);
      return make('span', {}, canvas, end);
    }));
  }

  /* ---- pointer and keys ---- */

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return {x: event.clientX - box.left - this.gutter, y: event.clientY - box.top - AXIS};
  }

  at(event) {
    const {x, y} = this.place(event);
    return y < 0 ? null : spanAt(this.json.items, this.range, this.width, this.now, x, y + this.view.scrollTop);
  }

  point(event) {
    if (!this.range || event.buttons) return;
    const found = this.at(event);
    const place = this.place(event);
    this.onFrame(() => this.showAt(found, place));
  }

  showAt(found, {x, y}) {
    this.show(found);
    if (found) return;
    const gap = y < 0 ? null : idleAt(this.json.items, this.range, this.width, x, y + this.view.scrollTop);
    if (gap) this.say([idleText(gap.reason), `for ${spanText((gap.to_ms - gap.from_ms) / 1000)}`], x, y);
  }

  show(found) {
    const before = this.found;
    this.found = found;
    this.view.classList.toggle('has-pick', Boolean(found));
    if (before?.span !== found?.span) this.invalidate();
    if (!found) {
      this.tip.hidden = true;
      return;
    }
    const {span, from, to, lane} = found;
    const at = placeOf(this.range, this.width);
    this.say([`trial ${span.trial}, attempt ${span.attempt}`, span.study, `${endOf(span)}${span.reason ? `, ${span.reason}` : ''}, ${spanText((to - from) / 1000)}`,
      `from ${moment(from)}`, this.json.items[lane].worker], Math.min(this.width, Math.max(0, at((from + to) / 2))), lane * ROW - this.view.scrollTop);
  }

  say(lines, x, y) {
    this.tip.hidden = false;
    this.tip.replaceChildren(...lines.filter(Boolean).map((text) => make('span', {dir: 'auto', text})));
    const left = this.gutter + x + 12;
    this.tip.style.left = `${left > this.clientWidth - 220 ? Math.max(0, left - 24 - this.tip.offsetWidth) : left}px`;
    this.tip.style.top = `${this.view.offsetTop + AXIS + y + ROW + 2}px`;
  }

  /* A drag moves through time, a click opens the trial. */
  press(event) {
    if (event.button !== 0 || !this.range) return;
    const from = this.range;
    const found = this.at(event);
    let isMoved = false;
    const move = (e) => {
      const by = event.clientX - e.clientX;
      isMoved ||= Math.abs(by) > 4;
      if (isMoved) this.setRange(moved(from, this.whole, by / this.width * (from.to - from.from)));
    };
    const end = (e) => {
      for (const [type, listener] of [['pointermove', move], ['pointerup', end], ['pointercancel', end]]) this.view.removeEventListener(type, listener);
      if (!isMoved && e.type === 'pointerup' && found) this.pick(found);
    };
    this.view.setPointerCapture(event.pointerId);
    for (const [type, listener] of [['pointermove', move], ['pointerup', end], ['pointercancel', end]]) this.view.addEventListener(type, listener);
  }

  /* The page scrolls by the wheel as everywhere; with Ctrl, or in focus, it zooms. */
  wheel(event) {
    if (!this.range || !(event.ctrlKey || event.metaKey || document.activeElement === this.view)) return;
    event.preventDefault();
    const {x} = this.place(event);
    const at = this.range.from + Math.min(1, Math.max(0, x / this.width)) * (this.range.to - this.range.from);
    this.setRange(zoomed(this.range, this.whole, at, Math.exp(Math.sign(event.deltaY) * Math.min(0.4, Math.abs(event.deltaY) / 250))));
  }

  setRange(range) {
    this.range = range;
    this.isZoomed = range.to - range.from < this.whole.to - this.whole.from - 1;
    this.follows = range.to >= this.whole.to - 1;
    this.invalidate();
  }

  zoomBy(factor) {
    if (!this.range) return;
    const at = this.found ? (this.found.from + this.found.to) / 2 : (this.range.from + this.range.to) / 2;
    this.setRange(zoomed(this.range, this.whole, Math.min(this.range.to, Math.max(this.range.from, at)), factor));
  }

  zoomOut() {
    if (this.whole) this.setRange(this.whole);
  }

  key(event) {
    const move = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]}[event.key];
    if (!this.range || event.ctrlKey || event.metaKey || event.altKey) return;
    if (move && event.shiftKey && move[0]) this.setRange(moved(this.range, this.whole, move[0] * PAN * (this.range.to - this.range.from)));
    else if (move) this.moveTo(...move);
    else if (event.key === '+' || event.key === '-') this.zoomBy(event.key === '+' ? 0.5 : 2);
    else if (event.key === '0') this.zoomOut();
    else if (event.key === 'Escape') this.show(null);
    else if (event.key === 'Enter' && this.found) this.pick(this.found);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  moveTo(dx, dy) {
    const {items} = this.json;
    const lane = items.findIndex((item) => item.spans.length > 0);
    if (lane < 0) return;
    const k = items[lane].spans.length - 1;
    const last = items[lane].spans[k];
    const next = this.found ? neighbour(items, this.found, dx, dy, this.now) : {lane, k, span: last, from: last.started_ms, to: last.ended_ms ?? this.now};
    this.reveal(next);
    this.show(next);
    this.invalidate();
  }

  reveal({lane, from, to}) {
    const y = lane * ROW;
    const room = this.view.clientHeight - AXIS - ROW;
    if (y < this.view.scrollTop) this.view.scrollTop = y;
    if (y > this.view.scrollTop + room) this.view.scrollTop = y - room;
    const middle = (from + to) / 2;
    if (to < this.range.from || from > this.range.to) this.setRange(moved(this.range, this.whole, middle - (this.range.from + this.range.to) / 2));
  }

  pick({span}) {
    this.dispatchEvent(new CustomEvent('hone-pick', {detail: {study: span.study, number: span.trial}, bubbles: true}));
  }

  asTable() {
    const rows = this.json.items.flatMap((item) => item.spans.map((s) => [item.worker, s.study, s.trial, s.attempt, moment(s.started_ms),
      s.ended_ms === null ? '' : moment(s.ended_ms), endOf(s)]));
    return {title: `${count(rows.length)} attempts`, curl: curlOf(this.path ?? 'v1/workers/lanes'),
      table: () => [['worker', 'study', 'trial', 'attempt', 'started', 'ended', 'end'], ...rows]};
  }
}

customElements.define('hone-lanes', HoneLanes);
