/** All trials of a study as columns, kept up to date row by row. */
import {get} from './api.js';
import {apiPath, FINAL} from './view.js';

const MOST = 1000; // numbers that one request may name
const BASE = ['number', 'state', 'value', 'step', 'worker', 'started_at', 'ended_at', 'reason'];

/** The fields to ask for, encoded: names may hold anything that can be seen. */
const fieldsOf = (more) => [...BASE, ...more].map(encodeURIComponent).join(',');

export class Columns {
  /** @param {string} study  @param {string[]} more  fields beside the usual ones */
  constructor(study, more = ['parameters.*']) {
    this.path = `${apiPath(study)}/trials/columns?digits=6&fields=${fieldsOf(more)}`;
    this.clear();
  }

  clear() {
    this.names = [];
    this.columns = {};
    this.rows = new Map();
    this.n = 0;
    this.version = 0;
  }

  /** Reads everything. */
  async load() {
    const pages = [];
    for (let from = 1; from !== null; ) {
      const page = await get(`${this.path}&from=${from}`);
      pages.push(page);
      from = page.next_from;
    }
    this.clear();
    pages.forEach((page) => this.merge(page));
  }

  /** Reads these rows, and those that are new. */
  async refresh(numbers) {
    const known = [...numbers].filter((n) => this.rows.has(n));
    for (let i = 0; i < known.length; i += MOST) {
      this.merge(await get(`${this.path}&numbers=${known.slice(i, i + MOST).join(',')}`));
    }
    if (known.length < numbers.length) await this.more();
  }

  /** Reads rows behind the last one. */
  async more() {
    for (let from = this.last() + 1; from !== null; ) {
      const page = await get(`${this.path}&from=${from}`);
      this.merge(page);
      from = page.next_from;
    }
  }

  /** What was not final may have changed unheard. */
  async catchUp() {
    const states = this.columns.state ?? [];
    const open = this.columns.number?.filter((_, i) => !FINAL.has(states[i])) ?? [];
    await this.refresh(open);
    await this.more();
  }

  last() {
    return this.columns.number?.at(-1) ?? 0;
  }

  merge(page) {
    const numbers = page.columns.number ?? [];
    for (const name of Object.keys(page.columns)) this.column(name);
    for (let i = 0; i < numbers.length; i++) {
      let row = this.rows.get(numbers[i]);
      if (row === undefined) {
        row = this.n++;
        this.rows.set(numbers[i], row);
      }
      for (const name of this.names) this.columns[name][row] = page.columns[name]?.[i] ?? null;
    }
    this.version++;
  }

  column(name) {
    if (this.columns[name]) return;
    this.columns[name] = new Array(this.n).fill(null);
    this.names.push(name);
  }

  /** A column by its name, empty if there is none. */
  get(name) {
    return this.columns[name] ?? [];
  }

  /** One trial as an object. */
  row(number) {
    const at = this.rows.get(number);
    return at === undefined ? null : Object.fromEntries(this.names.map((n) => [n, this.columns[n][at]]));
  }

  get numbers() {
    return this.get('number');
  }

  get parameters() {
    return this.names.filter((name) => name.startsWith('parameters.')).map((name) => name.slice(11));
  }
}
