/** All trials of a study as columns, kept up to date row by row. */
import {get} from './api.js';
import {apiPath, FINAL} from './view.js';

const MOST = 1000; // numbers that one request may name
const BASE = ['number', 'state', 'value', 'step', 'worker', 'started_at', 'ended_at', 'reason'];

/** The fields to ask for, encoded: names may hold anything that can be seen. */
const fieldsOf = (more) => [...BASE, ...more].map(encodeURIComponent).join(',');

/** The study's metrics where more than one is shown; with very many trials the others stay away. */
export const metricFields = (study, most = 20_000) => {
  const n = Object.values(study.counts ?? {}).reduce((sum, c) => sum + c, 0);
  if (n <= most) return ['metrics.*'];
  return study.objectives.length > 1 ? study.objectives.map((o) => `metrics.${o.metric}`) : [];
};

/** Whether trials are feasible, of a study with outcome constraints. */
export const boundFields = (study) => (study.subject_to?.length ? ['feasible'] : []);

export class Columns {
  /** @param {string} study  @param {string[]} more  fields beside the usual ones */
  constructor(study, more = []) {
    this.study = study;
    this.want(more);
    this.clear();
  }

  /** Says which fields beside the usual ones the next load asks for. */
  want(more) {
    this.path = `${apiPath(this.study)}/trials/columns?digits=6&fields=${fieldsOf(['parameters.*', ...more])}`;
  }

  clear() {
    this.names = [];
    this.columns = {};
    this.version = 0;
  }

  get n() {
    return this.numbers.length;
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
    pages.forEach((page) => this.append(page));
  }

  /** Reads these rows, and those that are new. */
  async refresh(numbers) {
    const known = [...numbers].filter((n) => this.find(n) !== undefined);
    for (let i = 0; i < known.length; i += MOST) {
      this.update(await get(`${this.path}&numbers=${known.slice(i, i + MOST).join(',')}`));
    }
    if (known.length < numbers.length) await this.more();
  }

  /** Reads rows behind the last one. */
  async more() {
    for (let from = (this.numbers.at(-1) ?? 0) + 1; from !== null; ) {
      const page = await get(`${this.path}&from=${from}`);
      this.append(page);
      from = page.next_from;
    }
  }

  /** What was not final may have changed unheard. */
  async catchUp() {
    const states = this.get('state');
    await this.refresh(this.numbers.filter((_, row) => !FINAL.has(states[row])));
    await this.more();
  }

  /** Rows with larger numbers than all before; the first page is taken as it is. */
  append({columns}) {
    const before = this.n, last = this.numbers.at(-1) ?? 0;
    const from = columns.number.findIndex((n) => n > last); // another answer may have brought some
    this.version++;
    if (from < 0) return;
    const rows = columns.number.length - from;
    for (const name of new Set([...this.names, ...Object.keys(columns)])) {
      const added = columns[name] ?? new Array(columns.number.length).fill(null);
      if (!before && !from) this.columns[name] = added;
      else {
        const cells = (this.columns[name] ??= new Array(before).fill(null));
        for (let i = 0; i < rows; i++) cells.push(added[from + i]);
      }
    }
    this.names = Object.keys(this.columns);
  }

  /** Rows that are there already. */
  update({columns}) {
    for (const name of Object.keys(columns)) this.columns[name] ??= new Array(this.n).fill(null);
    this.names = Object.keys(this.columns);
    columns.number.forEach((number, i) => {
      const row = this.find(number);
      for (const name of this.names) this.columns[name][row] = columns[name]?.[i] ?? null;
    });
    this.version++;
  }

  /** The row of a trial; numbers only grow. undefined: it is not here. */
  find(number) {
    const numbers = this.numbers;
    let low = 0, high = numbers.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (numbers[middle] === number) return middle;
      if (numbers[middle] < number) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** A column by its name, empty if there is none. */
  get(name) {
    return this.columns[name] ?? [];
  }

  /** One trial as an object. */
  row(number) {
    const at = this.find(number);
    return at === undefined ? null : Object.fromEntries(this.names.map((n) => [n, this.columns[n][at]]));
  }

  get numbers() {
    return this.columns.number ?? [];
  }

  get parameters() {
    return this.names.filter((name) => name.startsWith('parameters.')).map((name) => name.slice(11));
  }
}
