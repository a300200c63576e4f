/* What the chart elements share: a canvas that follows size, theme and screen, work in slices of a
 * frame, and the table and command below each chart. */

import {curlOf, saveFile} from './share.js';
import {copy, SHAPES} from './view.js';

const SLICE_MS = 12;
const REDRAW_MS = 100;
const TABLE_ROWS = 200;

/**
 * Makes an element; text goes in as text only.
 * @param {string} tag
 * @param {Record<string, *>} [props] attributes; functions are listeners, `class`, `text`, `data-…`
 * @param {...(Node|string|null|undefined)} children
 */
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);

  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (name === 'text') node.textContent = value;
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Whether a set holds just these numbers. */
export const sameNumbers = (set, numbers) => set.size === numbers.length && numbers.every((n) => set.has(n));

/* ---- theme ------------------------------------------------------------------------------------ */

const live = new Set();
const forced = matchMedia('(forced-colors: active)');
let colours = new Map();

function themeChanged() {
  colours = new Map();
  for (const element of live) element.invalidate();
}

new MutationObserver(themeChanged).observe(document.documentElement,
  {attributes: true, attributeFilter: ['data-theme', 'class', 'style']});
for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)']) {
  matchMedia(query).addEventListener('change', themeChanged);
}

/** The custom property of this name as a colour that a canvas understands. */
export function colour(name) {
  if (!colours.has(name)) {
    const probe = make('i', {hidden: true});
    probe.style.color = `var(--${name}, CanvasText)`;
    document.body.append(probe);
    colours.set(name, getComputedStyle(probe).color);
    probe.remove();
  }
  return colours.get(name);
}

/** The red, green and blue of a colour. */
export function channels(name) {
  return (colour(name).match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).map(Number);
}

/** Whether the page's ground is dark. */
export function isDark() {
  const [r, g, b] = channels('bg');
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128;
}

export const isForced = () => forced.matches;

const LIKE = {promoted: 'running', waiting: 'paused', stopped: 'pruned', lost: 'failed', ended: 'failed',
  preempted: 'paused', released: 'cancelled', superseded: 'cancelled'};

/** The colour of a trial's or attempt's state. */
export const stateColour = (state) => colour(`state-${LIKE[state] ?? state}`);

const PROMOTED = 'M1.5 6h8M6.5 2.8 9.8 6 6.5 9.2';
const paths = new Map();

/** Draws the shape that stands for a state, about `size` wide, around a place. */
export function drawState(ctx, state, x, y, size, fill) {
  const name = SHAPES[state] || state === 'promoted' ? state : LIKE[state] ?? state;
  if (!paths.has(name)) paths.set(name, new Path2D(name === 'promoted' ? PROMOTED : SHAPES[name] ?? SHAPES.lost));
  ctx.save();
  ctx.translate(x - size / 2, y - size / 2);
  ctx.scale(size / 12, size / 12);
  ctx.lineWidth = 1.8;
  ctx.strokeStyle = ctx.fillStyle = fill;
  if (name === 'running' || name === 'pruned') ctx.fill(paths.get(name));
  ctx.stroke(paths.get(name));
  ctx.restore();
}

/* ---- the element ------------------------------------------------------------------------------ */

/**
 * A custom element that draws. A subclass gives `build()`, called once in the page, `hasData`,
 * and `draw()`, called with data and at most ten times a second after `invalidate()`. `work` counts what was done, for tests.
 */
export class CanvasElement extends HTMLElement {
  constructor() {
    super();
    this.work = {draws: 0, rows: 0, drawn: 0, slices: 0, largestSlice: 0};
  }

  connectedCallback() {
    if (!this.isBuilt) {
      this.isBuilt = true;
      this.build();
    }
    live.add(this);
    this.sizes = new ResizeObserver(() => {
      if (this.clientWidth !== this.drawnWidth) this.invalidate();
    });
    this.sizes.observe(this);
    this.watchScreen();
    this.invalidate();
  }

  disconnectedCallback() {
    live.delete(this);
    this.sizes.disconnect();
    this.screen?.abort();
    this.stopSlices();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.pointFrame);
    this.timer = this.frame = this.pointFrame = undefined;
  }

  /* A window moved to another screen, or zoomed, changes its device pixels. */
  watchScreen() {
    this.screen?.abort();
    this.screen = new AbortController();
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', () => {
      this.watchScreen();
      this.invalidate();
    }, {signal: this.screen.signal});
  }

  /** Asks for a redraw: the first with data at once, others in the next frame, or 100 ms after the last. */
  invalidate() {
    if (!this.isBuilt || this.timer !== undefined || this.frame !== undefined) return;
    if (this.drawnAt === undefined && this.hasData) return this.drawSoon();
    const wait = REDRAW_MS - (performance.now() - (this.drawnAt ?? -Infinity));
    const next = () => {
      this.timer = undefined;
      this.frame = requestAnimationFrame(() => {
        this.frame = undefined;
        this.drawNow();
      });
    };
    if (wait > 0) this.timer = setTimeout(next, wait);
    else next();
  }

  /* When the caller has set all it sets. */
  drawSoon() {
    this.frame = 0;
    queueMicrotask(() => {
      this.frame = undefined;
      this.drawNow();
    });
  }

  drawNow() {
    if (!this.isConnected || !this.hasData || this.clientWidth === 0) return;
    this.drawnAt = performance.now();
    this.drawnWidth = this.clientWidth;
    this.stopSlices();
    this.work.draws++;
    this.draw();
  }

  /** Runs what the pointer asks for with the next frame, for the newest event only. */
  onFrame(work) {
    this.pointWork = work;
    this.pointFrame ??= requestAnimationFrame(() => {
      this.pointFrame = undefined;
      this.pointWork();
    });
  }

  stopSlices() {
    cancelAnimationFrame(this.sliceFrame);
    this.slicing = false;
  }

  /**
   * Runs a generator for 12 ms of this frame and of those that follow. It yields how many things it
   * drew since it last yielded.
   */
  runSlices(steps) {
    this.stopSlices();
    const slice = () => {
      const until = performance.now() + SLICE_MS;
      let drawn = 0;
      let step;
      do {
        step = steps.next();
        drawn += step.value ?? 0;
      } while (!step.done && performance.now() < until);
      this.work.drawn += drawn;
      this.work.slices++;
      this.work.largestSlice = Math.max(this.work.largestSlice, drawn);
      this.slicing = !step.done;
      if (this.slicing) this.sliceFrame = requestAnimationFrame(slice);
      else this.dispatchEvent(new CustomEvent('hone-drawn'));
    };
    slice();
  }
}

/**
 * Sets a canvas to its size on this screen and returns its context, cleared, with CSS pixels as
 * units. Reading back often keeps it out of a slow software GPU.
 */
export function context(canvas, width, height, ratio = devicePixelRatio || 1) {
  const w = Math.max(1, Math.round(width * ratio));
  const h = Math.max(1, Math.round(height * ratio));

  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const ctx = canvas.getContext('2d', {willReadFrequently: true});
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.globalAlpha = 1;
  ctx.clearRect(0, 0, w, h);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  return ctx;
}

export const FONT = '11px system-ui, sans-serif';

/** Shortens a text with an ellipsis to a width of the context's font. */
export function fitText(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let n = Math.min(text.length, Math.ceil(width / 3));
  while (n > 0 && ctx.measureText(`${text.slice(0, n)}…`).width > width) n--;
  return n > 0 ? `${text.slice(0, n)}…` : '';
}

/* ---- below each chart ------------------------------------------------------------------------- */

function tableOf(rows) {
  const [first] = rows;
  const head = Array.isArray(first) ? first : Object.keys(first ?? {});
  const body = (Array.isArray(first) ? rows.slice(1) : rows.map((row) => head.map((name) => row[name])));
  const cells = (tag, row) => make('tr', {}, ...row.map((v) => make(tag, {text: v ?? ''})));

  return make('table', {}, make('thead', {}, cells('th', head)),
    make('tbody', {}, ...body.slice(0, TABLE_ROWS).map((row) => cells('td', row))));
}

function fillOnOpen(label, fill) {
  const box = make('details', {}, make('summary', {text: label}));
  box.addEventListener('toggle', () => {
    if (box.open) box.replaceChildren(box.firstChild, ...fill());
  });
  return box;
}

/**
 * What stands below a chart for those who read or compute: its first 200 rows, all of them as CSV,
 * and the command that fetches the same.
 * @param {() => {table?: () => any[], csv?: string, curl?: string, title?: string}} source asked
 *   when one of the parts is opened
 */
export function rowsAndCommand(source) {
  const data = fillOnOpen('data', () => {
    const {table, csv, title} = source();
    const rows = table?.() ?? [];
    const n = rows.length - (Array.isArray(rows[0]) ? 1 : 0); // without the head
    const more = n > TABLE_ROWS ? `the first ${TABLE_ROWS} of ${n} rows` : '';
    const save = (event) => {
      event.preventDefault();
      saveFile(csv, `${title || 'data'}.csv`);
    };
    return [make('p', {}, csv ? make('a', {href: csv, text: 'all rows as CSV', click: save}) : null,
      more ? ` ${more}` : null),
    make('div', {class: 'rows-table', tabindex: '0', role: 'region', 'aria-label': `data of ${title ?? 'the chart'}`},
      rows.length ? tableOf(rows) : 'no rows yet')];
  });
  const command = fillOnOpen('curl', () => {
    const {curl, csv} = source();
    const text = make('code', {text: curl ?? curlOf(csv ?? 'v1/studies')});
    return [make('pre', {tabindex: '0'}, text), make('button', {type: 'button', text: 'copy', click: () => copy(text.textContent)})];
  });
  return make('div', {class: 'rows-and-command'}, data, command);
}
