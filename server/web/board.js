/* <hone-brackets>: the brackets of a study as a board. A column is a rung, a chip a trial; lines lead
 * from a rung to the next, and below stands who is waited for. */
import {awaited, chipAt, layoutBracket, sortBrackets} from './board_layout.js';
import {CanvasElement, colour, context, drawState, fitText, FONT, isDark, isForced, make, stateColour, rowsAndCommand} from './canvas.js';
import {curlOf} from './share.js';
import {amount, count, num, plural, span, trialPath} from './view.js';

const MOST_OPEN = 12; // open brackets drawn without being asked for
const MOST_WAITS = 3; // trials named a rung
const CHIP_STATES = {promoted: 'went on', waiting: 'waits for the others', running: 'running', pruned: 'stopped: not among the best',
  stopped: 'stopped by a rule', completed: 'completed', ended: 'ended without a value'};

/* ---- one bracket ---- */

/** One bracket: `bracket`, `board` (for words of the study). Fires `hone-pick`. */
export class HoneBracket extends CanvasElement {
  set bracket(bracket) {
    this.source = bracket;
    this.invalidate();
  }

  build() {
    this.canvas = make('canvas', {'aria-hidden': 'true'});
    this.view = make('div', {class: 'board-canvas', role: 'img', tabindex: '0', pointermove: (e) => this.point(e),
      pointerleave: () => this.show(null), click: () => this.pick(), keydown: (e) => this.key(e)}, this.canvas);
    this.tip = make('div', {class: 'chart-tip', role: 'status', hidden: true});
    this.append(this.view, this.tip);
  }

  get hasData() {
    return Boolean(this.source);
  }

  draw() {
    this.layout = layoutBracket(this.source, this.view.clientWidth);
    this.found = this.layout.chips.find((chip) => chip.trial === this.found?.trial && chip.rung === this.found.rung) ?? null;
    if (!this.found) this.tip.hidden = true;
    const {layout} = this;
    const ctx = context(this.canvas, layout.width, layout.height);
    this.canvas.style.display = 'block';
    ctx.font = FONT;
    ctx.textBaseline = 'middle';
    layout.columns.forEach((column, k) => this.drawColumn(ctx, column, k));
    this.drawLinks(ctx);
    for (const cut of layout.cuts) this.drawCut(ctx, cut);
    for (const chip of layout.chips) this.drawChip(ctx, chip);
    for (const more of layout.counts) this.drawCount(ctx, more);
    this.work.drawn += layout.chips.length;
    this.view.setAttribute('aria-label', this.describe());
  }

  describe() {
    const {bracket, state, rungs, next} = this.source;
    const parts = rungs.map((r) => `rung ${r.rung} at ${amount(r.resource, this.unit ?? '')}: ${r.entered} in, ${r.running} running, ${r.promoted} went on`);
    return `Bracket ${bracket}, ${state}. ${parts.join('; ')}. Next: ${next}.`;
  }

  drawColumn(ctx, {x, width, rung}, k) {
    ctx.textAlign = 'left';
    ctx.strokeStyle = colour('line');
    ctx.lineWidth = 1;
    if (k > 0) {
      ctx.beginPath();
      ctx.moveTo(x + 0.5, 4);
      ctx.lineTo(x + 0.5, this.layout.height - 4);
      ctx.stroke();
    }
    ctx.fillStyle = colour('text');
    ctx.font = `600 12px ${FONT.replace('11px ', '')}`;
    ctx.fillText(fitText(ctx, `Rung ${rung.rung}: ${amount(rung.resource, this.unit ?? '')}`, width - 20), x + 12, 10);
    ctx.font = FONT;
    ctx.fillStyle = colour('muted');
    const size = rung.size === null ? count(rung.entered) : `${count(rung.entered)} of ${count(rung.size)}`;
    const parts = [`${size} in`, rung.running && `${count(rung.running)} running`, rung.failed && `${count(rung.failed)} failed`].filter(Boolean);
    ctx.fillText(fitText(ctx, parts.join(' · '), width - 20), x + 12, 27);
  }

  drawLinks(ctx) {
    ctx.strokeStyle = colour('accent');
    ctx.globalAlpha = 0.35;
    ctx.lineWidth = 1.5;
    for (const {from, to} of this.layout.links) {
      const [x0, y0, x1, y1] = [from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2];
      const isPicked = this.found && this.found.trial === from.trial;
      ctx.globalAlpha = isPicked ? 1 : 0.35;
      ctx.beginPath();
      ctx.moveTo(x0, y0);
      ctx.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  }

  drawCut(ctx, {x0, x1, y, value, text}) {
    ctx.strokeStyle = ctx.fillStyle = colour('muted');
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(x0, y + 0.5);
    ctx.lineTo(x1, y + 0.5);
    ctx.stroke();
    ctx.setLineDash([]);
    const said = fitText(ctx, value === null ? text : `${text}, cut at ${num(value)}`, x1 - x0 - 16);
    const width = ctx.measureText(said).width + 8;
    ctx.fillStyle = colour('panel');
    ctx.fillRect(x0 + 6, y - 6, width, 13);
    ctx.fillStyle = colour('muted');
    ctx.fillText(said, x0 + 10, y + 1);
  }

  drawChip(ctx, chip) {
    const {x, y, width, height, state, trial} = chip;
    const tone = state === 'promoted' ? colour('accent') : stateColour(state);
    const isAway = state === 'pruned' || state === 'stopped' || state === 'ended';
    ctx.beginPath();
    ctx.roundRect(x + 0.5, y + 0.5, width - 1, height - 1, 4);
    ctx.fillStyle = colour('panel');
    ctx.fill(); // lines to the next rung pass below
    ctx.fillStyle = tone;
    ctx.globalAlpha = isForced() ? 0 : {promoted: 0.2, running: 0.14, completed: 0.2}[state] ?? (isAway ? 0.05 : 0.12);
    ctx.fill();
    ctx.globalAlpha = isAway ? 0.45 : 1;
    ctx.strokeStyle = tone;
    ctx.lineWidth = this.found?.trial === trial ? 2.5 : 1;
    ctx.setLineDash(state === 'waiting' ? [3, 2] : []);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = isAway ? 0.75 : 1;
    drawState(ctx, state, x + 10, y + height / 2, 9, tone);
    ctx.fillStyle = colour(isAway ? 'muted' : 'text');
    ctx.globalAlpha = 1;
    ctx.textAlign = 'right';
    ctx.fillText(fitText(ctx, String(trial), width - 22), x + width - 6, y + height / 2 + 1);
    ctx.textAlign = 'left';
  }

  drawCount(ctx, {x, y, n}) {
    ctx.fillStyle = colour('muted');
    ctx.fillText(`+${count(n)}`, x + 4, y + 11);
  }

  /* ---- pointer and keys ---- */

  point(event) {
    if (!this.layout) return;
    const box = this.canvas.getBoundingClientRect();
    const chip = chipAt(this.layout, event.clientX - box.left, event.clientY - box.top);
    if (chip !== this.found) this.show(chip);
  }

  show(chip) {
    const isOther = chip?.trial !== this.found?.trial || chip?.rung !== this.found?.rung;
    this.found = chip;
    this.tip.hidden = !chip;
    this.view.classList.toggle('has-pick', Boolean(chip));
    if (isOther) this.invalidate();
    if (!chip) return;
    this.tip.replaceChildren(...this.lines(chip).map((text) => make('span', {dir: 'auto', text})));
    const left = chip.x - this.view.scrollLeft + chip.width + 8;
    this.tip.style.left = `${left > this.clientWidth - 180 ? Math.max(0, left - chip.width - 16 - this.tip.offsetWidth) : left}px`;
    this.tip.style.top = `${chip.y}px`;
  }

  lines({trial, value, state, seconds}) {
    const report = this.reports?.get(trial);
    return [`trial ${trial}`, CHIP_STATES[state] ?? state, value === undefined ? null : `${this.metric ?? 'value'} ${num(value)}`,
      seconds === undefined ? null : `for ${span(seconds)}${report ? ` on ${report.worker}` : ''}`].filter(Boolean);
  }

  pick() {
    if (!this.found) return;
    this.dispatchEvent(new CustomEvent('hone-pick', {detail: {number: this.found.trial}, bubbles: true}));
  }

  /* The next chip in a direction: the nearest, sideways distance counting more. */
  neighbour(dx, dy) {
    const from = this.found;
    const {chips} = this.layout;
    if (!from || !chips.includes(from)) return chips[0] ?? null;
    const ahead = chips.filter((c) => (c.x - from.x) * dx + (c.y - from.y) * dy > 0);
    const cost = (c) => Math.abs(c.x - from.x) * (dx ? 1 : 4) + Math.abs(c.y - from.y) * (dy ? 1 : 4);
    return ahead.reduce((best, c) => (best === null || cost(c) < cost(best) ? c : best), null) ?? from;
  }

  key(event) {
    const move = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]}[event.key];
    if (!this.layout || event.ctrlKey || event.metaKey || event.altKey) return;
    if (move) this.show(this.neighbour(...move));
    else if (event.key === 'Enter') this.pick();
    else if (event.key === 'Escape') this.show(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/* ---- the board ---- */

/**
 * `brackets`: JSON of `v1/studies/{s}/brackets`; `study`: its JSON; `workers`: items of `v1/workers`,
 * for who is waited for; `now`: the moment that ages are counted to, in ms.
 */
export class HoneBrackets extends HTMLElement {
  constructor() {
    super();
    this.cards = new Map();
    this.shown = MOST_OPEN;
  }

  connectedCallback() {
    this.update();
  }

  set brackets(json) {
    this.json = json;
    this.update();
  }

  set workers(items) {
    this.reports = new Map();
    for (const worker of items ?? []) {
      const at = worker.last_report_at ? Date.parse(worker.last_report_at) : null;
      for (const lease of worker.leases ?? []) {
        if (!this.study || lease.study === this.studyName()) this.reports.set(lease.trial, {worker: worker.name, at});
      }
    }
    this.update();
  }

  /** The moment that ages are counted to, in ms. */
  set now(ms) {
    if (this.legend && this.legendIsDark !== isDark()) this.setLegend();
    this.moment = ms;
    for (const bracket of this.latest ?? []) this.cards.get(`${bracket.bracket} true`).fillWaits(bracket);
  }

  studyName() {
    return this.study?.name ?? this.json?.study;
  }

  update() {
    if (!this.isConnected || !this.json) return;
    if (!this.parts) this.buildParts();
    const {open, done} = sortBrackets(this.json.brackets);
    this.summary.textContent = this.summarise(open, done);
    this.latest = open.slice(0, this.shown);
    sync(this.parts.open, [...this.latest.map((b) => this.card(b, true)), ...this.more(open)]);
    this.parts.done.hidden = done.length === 0;
    this.parts.done.firstChild.textContent = plural(done.length, 'finished bracket');
    this.doneBrackets = done;
    if (this.parts.done.open) this.fillDone();
  }

  buildParts() {
    this.summary = make('p', {class: 'board-summary'});
    const done = make('details', {class: 'board-done'}, make('summary'), make('div'));
    done.addEventListener('toggle', () => done.open && this.fillDone());
    this.parts = {open: make('div', {class: 'board-open'}), done};
    this.legend = make('p', {class: 'chart-legend board-legend'});
    this.setLegend();
    this.replaceChildren(this.summary, this.legend, this.parts.open, done, rowsAndCommand(() => this.asTable()));
  }

  setLegend() {
    this.legendIsDark = isDark();
    this.legend.replaceChildren(...['promoted', 'running', 'waiting', 'pruned', 'completed'].map(legendOf));
  }

  fillDone() {
    sync(this.parts.done.lastChild, this.doneBrackets.map((b) => this.card(b, false)));
  }

  more(open) {
    const rest = open.length - this.shown;
    this.moreButton ??= make('button', {type: 'button', class: 'board-more', click: () => {
      this.shown += MOST_OPEN;
      this.update();
    }});
    this.moreButton.textContent = `${plural(rest, 'older open bracket')}`;
    return rest > 0 ? [this.moreButton] : [];
  }

  summarise(open, done) {
    const {trials, saved_share: saved, opened} = this.json;
    const hidden = (opened ?? 0) - open.length - done.length;
    return [plural(open.length, 'open bracket'), `${count(opened ?? open.length + done.length)} opened so far${hidden > 0 ? `, the newest ${open.length + done.length} shown` : ''}`,
      plural(trials ?? 0, 'trial'), saved === undefined ? null : `${num(100 * saved, 3)} % of full training saved`].filter(Boolean).join(' · ');
  }

  /* A card stays the same element, so that focus and folding stay. */
  card(bracket, isOpen) {
    const key = `${bracket.bracket} ${isOpen}`;
    if (!this.cards.has(key)) this.cards.set(key, isOpen ? this.openCard() : this.doneCard());
    const card = this.cards.get(key);
    card.fill(bracket);
    return card.node;
  }

  canvasOf() {
    const node = document.createElement('hone-bracket');
    return {node, fill: (bracket) => Object.assign(node, {unit: this.json.resource, metric: this.study?.objectives?.[0]?.metric,
      reports: this.reports, bracket})};
  }

  openCard() {
    const title = make('h3');
    const next = make('p', {class: 'board-next'});
    const waits = make('ul', {class: 'board-waits'});
    const canvas = this.canvasOf();
    const fillWaits = (bracket) => {
      if (!waits.contains(document.activeElement)) waits.replaceChildren(...this.waitsOf(bracket));
    };
    return {node: make('section', {class: 'board-card'}, make('header', {}, title, next), canvas.node, waits), fillWaits,
      fill: (bracket) => {
        title.textContent = `Bracket ${bracket.bracket}`;
        next.textContent = `next: ${bracket.next}`;
        canvas.fill(bracket);
        fillWaits(bracket);
      }};
  }

  doneCard() {
    const box = make('details', {class: 'board-card'}, make('summary'));
    const canvas = this.canvasOf();
    let latest;
    box.addEventListener('toggle', () => {
      if (box.open) {
        box.append(canvas.node);
        canvas.fill(latest);
      }
    });
    return {node: box, fill: (bracket) => {
      latest = bracket;
      box.firstChild.textContent = this.doneLine(bracket);
      if (box.open) canvas.fill(bracket);
    }};
  }

  doneLine({bracket, rungs}) {
    const unit = this.json.resource ?? '';
    const best = rungs.at(-1)?.entries[0];
    return `Bracket ${bracket}: ${rungs.map((r) => `${count(r.entered)} × ${num(r.resource)}`).join(' → ')} ${unit}${
      best && !best.values ? ` · best ${num(best.value)}, trial ${best.trial}` : ''}`;
  }

  /* 'Rung 1 waits for trial 9 (gpu07:0, last report 40 s ago)', a line a rung. */
  waitsOf(bracket) {
    return bracket.rungs.flatMap((rung) => {
      const waits = awaited(rung, this.reports ?? new Map(), this.moment ?? Date.now());
      if (waits.length === 0) return [];
      const named = waits.slice(0, MOST_WAITS).flatMap((w, k) => [k ? ', ' : '', make('a', {href: trialPath(this.studyName(), w.trial), text: `trial ${w.trial}`}),
        ` (${w.worker ? `${w.worker}, ` : ''}${w.hasReport ? w.silent < 1 ? 'reports now' : `last report ${span(w.silent)} ago` : `running for ${span(w.seconds)}`})`]);
      const rest = rung.running - Math.min(MOST_WAITS, waits.length);
      const isWaiting = rung.waiting > 0 || rung.entered === rung.size;
      return [make('li', {dir: 'auto'}, `Rung ${rung.rung} ${isWaiting ? 'waits for' : 'trains'} `, ...named, rest > 0 ? ` and ${plural(rest, 'other')}` : '')];
    });
  }

  asTable() {
    const rows = this.json.brackets.flatMap((b) => b.rungs.flatMap((r) => [
      ...r.entries.map((e) => [b.bracket, r.rung, r.resource, e.trial, e.value, e.state]),
      ...r.waits_for.map((w) => [b.bracket, r.rung, r.resource, w.trial, '', 'running'])]));
    const curl = curlOf(`v1/studies/${encodeURIComponent(this.studyName())}/brackets`);
    return {title: 'brackets', curl, table: () => [['bracket', 'rung', 'resource', 'trial', 'value', 'state'], ...rows]};
  }
}

/* Puts nodes into a parent without taking those out and in that are there already: focus stays. */
function sync(parent, nodes) {
  if (nodes.length !== parent.childNodes.length || nodes.some((node, k) => node !== parent.childNodes[k])) {
    parent.replaceChildren(...nodes);
  }
}

function legendOf(state) {
  const canvas = make('canvas', {'aria-hidden': 'true'});
  drawState(context(canvas, 12, 12), state, 6, 6, 10, state === 'promoted' ? colour('accent') : stateColour(state));
  return make('span', {}, canvas, CHIP_STATES[state]);
}

customElements.define('hone-bracket', HoneBracket);
customElements.define('hone-brackets', HoneBrackets);
