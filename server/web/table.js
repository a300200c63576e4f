/** A table of any length of which only the rows in sight exist, and the language of its filter. */
import {html, nothing, value, count} from './view.js';

/* ---- filter: lr<1e-3 state:completed,failed worker:gpu07 #12 ---- */

const TERM = /\s*(?:("(?:[^"\\]|\\.)*"|[^\s<>=!:"]+)\s*(<=|>=|!=|<|>|=|:)\s*("(?:[^"\\]|\\.)*"|[^\s"]+)|(\S+))/gy;
const bare = (s) => (s.startsWith('"') ? s.slice(1, -1).replace(/\\(.)/g, '$1') : s);

/** Words that stand for a column of another name. */
const ALIAS = {trial: 'number', status: 'state', epoch: 'step', node: 'worker'};

/**
 * Terms of a filter; `names` are the columns there are. All terms must hold.
 * @returns {{terms: {column: string, op: string, wanted: string}[], faults: string[]}}
 */
export function parseFilter(text, names) {
  const terms = [], faults = [];
  for (const [, name, op, wanted, word] of text.matchAll(TERM)) {
    if (word !== undefined) {
      if (/^#\d+$/.test(word)) terms.push({column: 'number', op: '=', wanted: word.slice(1)});
      else terms.push({column: '', op: ':', wanted: bare(word)});
      continue;
    }
    const column = findColumn(bare(name), names);
    if (column) terms.push({column, op, wanted: bare(wanted)});
    else faults.push(`There is no column ${bare(name)}.`);
  }
  return {terms, faults};
}

function findColumn(name, names) {
  return [name, `parameters.${name}`, `metrics.${name}`, ALIAS[name]].find((n) => names.includes(n));
}

const ORDER = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
const textOf = (x) => (typeof x === 'string' ? x : JSON.stringify(x ?? null));

/** What one term asks of a cell. */
function testOf({op, wanted}) {
  const limit = wanted.toLowerCase() === 'nan' ? NaN : Number(wanted);
  const numeric = wanted.trim() !== '' && !Number.isNaN(limit);
  const choices = wanted.toLowerCase().split(',');
  const same = (x) => {
    const v = value(x);
    if (numeric && v !== null) return v === limit;
    return choices.includes(textOf(x).toLowerCase());
  };
  if (ORDER[op]) return (x) => value(x) !== null && numeric && ORDER[op](value(x), limit);
  if (op === '=') return same;
  if (op === '!=') return (x) => !same(x);
  return (x) => same(x) || choices.some((c) => textOf(x).toLowerCase().includes(c));
}

/** The rows for which all terms hold. `columns` is a Columns. */
export function filterRows(columns, terms) {
  const tests = terms.map((term) => {
    const test = testOf(term);
    if (term.column) {
      const cells = columns.get(term.column);
      return (row) => test(cells[row]);
    }
    const all = columns.names.map((name) => columns.get(name)).filter((_, i) => columns.names[i] !== 'number');
    return (row) => all.some((cells) => cells[row] !== null && test(cells[row]));
  });
  const rows = [];
  for (let row = 0; row < columns.n; row++) if (tests.every((test) => test(row))) rows.push(row);
  return rows;
}

/** Sorts rows, given in the order of their numbers, by a column, what has no value last. */
export function sortRows(columns, rows, name, descending) {
  if (name === 'number') return descending ? rows.reverse() : rows;
  const cells = columns.get(name), numbers = columns.numbers;
  const sign = descending ? -1 : 1;
  const keys = cells.map((x) => value(x) ?? (x === null ? null : textOf(x)));
  const isMissing = (row) => keys[row] === null || keys[row] === undefined || Number.isNaN(keys[row]);
  const found = rows.filter((row) => !isMissing(row));
  found.sort((a, b) => {
    const x = keys[a], y = keys[b];
    if (x === y) return numbers[a] - numbers[b];
    if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1;
    return x < y ? -sign : sign;
  });
  return found.concat(rows.filter(isMissing));
}

/* ---- rows in sight ---- */

const ROW = 30; // pixels, as in style.css
const MARGIN = 12; // rows beyond what is seen

export class Table {
  /**
   * @param {{label: string, update: () => void, open: (row: number) => void,
   *   toggle?: (row: number) => void}} options
   */
  constructor(options) {
    Object.assign(this, options);
    this.top = 0;
    this.height = 600;
    this.cursor = 0;
    this.id = `t${Math.trunc(performance.now() * 1000)}`;
  }

  scroll(event) {
    const first = Math.floor(this.top / ROW);
    this.top = event.target.scrollTop;
    this.height = event.target.clientHeight;
    if (Math.abs(Math.floor(this.top / ROW) - first) > MARGIN / 3) this.update();
  }

  /** Moves the cursor and keeps it in sight. */
  move(to, box) {
    this.cursor = Math.max(0, Math.min(this.rows.length - 1, to));
    const at = this.cursor * ROW, inner = box.clientHeight - ROW * 2;
    if (at < box.scrollTop) box.scrollTop = at;
    else if (at > box.scrollTop + inner) box.scrollTop = at - inner;
    this.top = box.scrollTop;
    this.height = box.clientHeight;
    this.update();
  }

  key(event) {
    if (event.target.closest('button, input, a')) return;
    const box = event.currentTarget.parentElement;
    const pageful = Math.max(1, Math.floor(box.clientHeight / ROW) - 2);
    const to = {
      ArrowDown: this.cursor + 1,
      ArrowUp: this.cursor - 1,
      PageDown: this.cursor + pageful,
      PageUp: this.cursor - pageful,
      Home: 0,
      End: this.rows.length - 1,
    }[event.key];
    if (to !== undefined) this.move(to, box);
    else if (event.key === 'Enter') this.rows.length && this.open(this.rows[this.cursor]);
    else if (event.key === ' ' && this.toggle) this.rows.length && this.toggle(this.rows[this.cursor]);
    else return;
    event.preventDefault();
  }

  /**
   * @param {{rows: number[], columns: {name: string, label: string, kind?: string,
   *   cell: (row: number) => unknown}[], sort: string, descending: boolean,
   *   onSort: (name: string) => void, marked: (row: number) => boolean}} shown
   */
  view({rows, columns, sort, descending, onSort, marked}) {
    this.rows = rows;
    this.cursor = Math.max(0, Math.min(this.cursor, rows.length - 1));
    const first = Math.max(0, Math.min(Math.floor(this.top / ROW) - MARGIN, rows.length - 1));
    const last = Math.min(rows.length, first + Math.ceil(this.height / ROW) + 2 * MARGIN);
    const head = columns.map((c) => html`<th scope="col" class=${c.kind || nothing} aria-sort=${
      c.name !== sort ? 'none' : descending ? 'descending' : 'ascending'}><button @click=${() => onSort(c.name)}
      title=${c.label}><span dir="auto">${c.label}</span></button></th>`);
    const line = (row, i) => html`<tr id="${this.id}-${i}" aria-rowindex=${i + 2} aria-selected=${
      marked(row) ? 'true' : 'false'} class=${i === this.cursor ? 'cursor' : nothing} @click=${(event) => {
      this.cursor = i;
      if (!event.target.closest('a, button, input, label')) this.open(row);
    }}>${columns.map((c) => html`<td class=${c.kind || nothing}>${c.cell(row)}</td>`)}</tr>`;
    const spacer = (n) => n > 0
      ? html`<tr class="spacer" aria-hidden="true"><td colspan=${columns.length} .style=${`height:${n * ROW}px`}></td></tr>`
      : nothing;
    return html`<div class="grid" @scroll=${(event) => this.scroll(event)}><table role="grid" tabindex="0"
      aria-label="${this.label}, ${count(rows.length)} rows" aria-rowcount=${rows.length + 1} aria-activedescendant=${
      rows.length ? `${this.id}-${this.cursor}` : nothing} @keydown=${(event) => this.key(event)}><thead><tr
      aria-rowindex="1">${head}</tr></thead><tbody>${spacer(first)}${
      rows.slice(first, last).map((row, i) => line(row, first + i))}${spacer(rows.length - last)}</tbody></table></div>`;
  }
}
