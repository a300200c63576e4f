/** All trials of a study: table, parallel coordinates and slices with one selection, and two compared. */
import './chart.js';
import './parcoords.js';
import {get} from './api.js';
import {Columns, boundFields, metricFields} from './columns.js';
import * as plots from './plots.js';
import {rangesFromText, rangesToText, selectRows} from './filters.js';
import {makeAxis} from './scales.js';
import {curlOf, saveFile} from './share.js';
import {Table, parseFilter, filterRows, sortRows} from './table.js';
import {html, nothing, state, studyPath, trialPath, trialLink, apiPath, objective, number, num, cell, value, count, plural,
  ago, moment, span, isAnother, throttle, empty, copy, panel} from './view.js';

const FIRST_PARAMETERS = 8; // columns shown unless the address says others
const NUMERIC = new Set(['value', 'step', 'started_at', 'ended_at', 'duration']);

export function open(context) {
  const {params, query, update, setQuery, go} = context;
  const name = params.study, path = apiPath(name);
  const columns = new Columns(name);
  const dirty = new Set();
  let study = null, curves = null;

  /* ---- the address ---- */

  const selected = new Set((query.get('sel') ?? '').split(',').map(Number).filter((n) => n > 0));
  function select(number, on = !selected.has(number)) {
    if (on) selected.add(number);
    else selected.delete(number);
    setQuery({sel: [...selected].join(',')});
    readCurves();
    update();
  }
  const sort = () => (query.get('sort') ?? '-number').replace(/^-/, '');
  const descending = () => (query.get('sort') ?? '-number').startsWith('-');
  function sortBy(column) {
    const down = sort() === column ? !descending() : false;
    setQuery({sort: `${down ? '-' : ''}${column}`});
    update();
  }

  /* ---- reading ---- */

  async function load() {
    study = await get(path);
    columns.want(['source', ...boundFields(study), ...metricFields(study)]);
    await columns.load();
    readCurves();
  }
  async function readCurves() {
    const two = [...selected];
    curves = two.length === 2
      ? await get(`${path}/curves?metric=${encodeURIComponent(objective(study).metric)}&numbers=${two.join(',')}`).catch(() => null)
      : null;
    update();
  }
  /** Drawing very many trials again takes a while; it is done less often. */
  const pace = () => (columns.n > 20_000 ? 2000 : 500);
  const again = {
    rows: throttle(async () => {
      const numbers = [...dirty];
      dirty.clear();
      await columns.refresh(numbers).catch((problem) => {
        numbers.forEach((n) => dirty.add(n)); // they are still to be read
        throw problem;
      });
      update();
    }, pace),
    study: throttle(async () => {
      const before = study;
      study = await get(path);
      if (isAnother(before, study)) await load();
      update();
    }, 2000),
    all: throttle(load, 2000),
    open: throttle(async () => {
      await columns.catchUp();
      update();
    }, 1000),
  };

  /* ---- what is shown ---- */

  let kept = {key: '', rows: []};
  /** Rows that pass the filter and the ranges, sorted. */
  function rowsNow(terms) {
    const key = [columns.version, query.get('q'), query.get('sort'), query.get('ranges')].join('\n');
    if (kept.key === key) return kept.rows;
    const rows = withinRanges(filterRows(columns, terms));
    kept = {key, rows: sortRows(columns, rows, sort(), descending())};
    return kept.rows;
  }

  /** Those of the rows that are within the ranges of the parallel coordinates. */
  function withinRanges(rows) {
    const ranges = rangesFromText(query.get('ranges'));
    const used = (charts(), axes?.axes ?? []).filter((axis) => ranges[axis.name]);
    if (!used.length) return rows;
    const {mask} = selectRows(used.map(makeAxis), ranges);
    return rows.filter((row) => mask[row]);
  }

  function choices() {
    const varying = plots.varying(study, columns).map((n) => `parameters.${n}`);
    const metrics = columns.names.filter((n) => n.startsWith('metrics.') && n !== `metrics.${objective(study).metric}`);
    const single = study.objectives.length === 1;
    const rest = columns.names.filter((n) => n.startsWith('parameters.') && !varying.includes(n));
    const usual = ['state', ...boundFields(study), ...(single ? ['value'] : study.objectives.map((o) => `metrics.${o.metric}`)), 'step',
      ...varying.slice(0, FIRST_PARAMETERS), 'worker', 'ended_at'];
    const all = [...new Set([...usual, ...varying, ...metrics, 'reason', 'source', 'started_at', ...rest])];
    const wanted = query.get('cols')?.split(' ').map(decodeURIComponent).filter((c) => all.includes(c));
    return {all, shown: wanted?.length ? wanted : usual, usual};
  }

  function label(column) {
    if (column === 'value') return objective(study).metric;
    const fixed = {number: 'Trial', state: 'State', step: study.resource?.name ?? 'Step', worker: 'Worker', ended_at: 'Ended',
      started_at: 'Began', reason: 'Reason', source: 'Source', feasible: 'Feasible'};
    return fixed[column] ?? column.replace(/^(parameters|metrics)\./, '');
  }

  function cellOf(column) {
    const cells = columns.get(column);
    if (column === 'state') return (row) => state(cells[row], columns.get('reason')[row]);
    if (column === 'feasible') return (row) => ({true: 'yes', false: html`<b class="bad">no</b>`})[cells[row]] ?? '?';
    if (column === 'ended_at' || column === 'started_at') return (row) => ago(cells[row]);
    if (column === 'value' || column === 'step' || column.startsWith('metrics.')) return (row) => number(cells[row]);
    return (row) => cell(cells[row]);
  }
  const isNumeric = (column) => NUMERIC.has(column) || column.startsWith('metrics.')
    || (column.startsWith('parameters.') && plots.axisType(study, column.slice(11)) !== 'category');

  const table = new Table({
    label: 'Trials',
    update,
    open: (row) => go(trialPath(name, columns.numbers[row])),
    toggle: (row) => select(columns.numbers[row]),
  });

  const pickColumn = (row) => html`<label><input type="checkbox" aria-label="Select trial ${columns.numbers[row]}" .checked=${
    selected.has(columns.numbers[row])} @change=${(event) => select(columns.numbers[row], event.target.checked)}></label>`;

  function tableView(rows, shown) {
    const list = [{name: 'selected', label: '✓', cell: pickColumn}, {name: 'number', label: 'Trial', cell: (row) =>
      trialLink(name, columns.numbers[row])}, ...shown.map((c) => ({name: c, label: label(c), kind: isNumeric(c) ? 'right' : '',
      cell: cellOf(c)}))];
    return table.view({rows, columns: list, sort: sort(), descending: descending(),
      onSort: (c) => (c === 'selected' ? showSelected() : sortBy(c)), marked: (row) => selected.has(columns.numbers[row])});
  }
  function showSelected() {
    kept.key = '';
    const first = kept.rows.filter((row) => selected.has(columns.numbers[row]));
    kept = {...kept, rows: [...first, ...kept.rows.filter((row) => !selected.has(columns.numbers[row]))],
      key: [columns.version, query.get('q'), query.get('sort'), query.get('ranges')].join('\n')};
    update();
  }

  function columnChoice({all, shown, usual}) {
    const set = (list) => {
      setQuery({cols: list.join() === usual.join() ? null : list.map(encodeURIComponent).join(' ')});
      update();
    };
    return html`<details class="columns"><summary class="button">Columns</summary><div>${all.map((c) => html`<label><input
      type="checkbox" .checked=${shown.includes(c)} @change=${(event) => set(event.target.checked ? all.filter((x) => x === c
      || shown.includes(x)) : shown.filter((x) => x !== c))}><span dir="auto">${label(c).slice(0, 80)}</span></label>`)}<button class="link" @click=${() =>
      set(usual)}>the usual ones</button></div></details>`;
  }

  /* ---- the charts ---- */

  let chartKey = '', axes = null, sliceData = [];
  function charts() {
    const key = `${columns.version}`;
    if (key === chartKey) return;
    chartKey = key;
    const list = plots.varying(study, columns);
    axes = list.length > 1 && columns.n > 1 ? plots.parcoordsData(study, columns, list) : null;
    sliceData = list.slice(0, 6).map((n) => ({...plots.sliceData(study, columns, n), curl: curlOf(`${path}/trials/columns`)}));
  }

  /** The same object until the address changes, so that nothing is drawn again for nothing. */
  let rangesKept = {text: undefined};
  function rangesNow() {
    const text = query.get('ranges') ?? '';
    if (text !== rangesKept.text) rangesKept = {text, ranges: rangesFromText(text)};
    return rangesKept.ranges;
  }

  function chartsView() {
    charts();
    if (!axes) return nothing;
    const open = query.get('charts') !== '0';
    return html`<details class="panel fold" ?open=${open} @toggle=${(event) => {
      if (event.target.open !== (query.get('charts') !== '0')) setQuery({charts: event.target.open ? null : '0'});
      update();
    }}><summary>Parameters side by side</summary>${open ? html`<hone-parcoords .selection=${[...selected]} .ranges=${rangesNow()} .data=${axes}
      @hone-pick=${(e) => select(e.detail.number)} @hone-ranges=${(e) => takeRanges(e.detail)}></hone-parcoords>` : nothing}</details>`;
  }
  function takeRanges(detail) {
    if (detail.isFinal === false) return;
    setQuery({ranges: rangesToText(detail.ranges)});
    update();
  }
  function slicesView() {
    if (!sliceData.length) return nothing;
    const open = query.get('slices') === '1';
    return html`<details class="panel fold" ?open=${open} @toggle=${(event) => {
      if (event.target.open !== open) setQuery({slices: event.target.open ? '1' : null});
      update();
    }}><summary>The objective over each parameter</summary>${open ? html`<div class="slices">${sliceData.map((d) => html`<hone-chart
      .selection=${[...selected]} .data=${d} @hone-pick=${(e) => select(e.detail.number)}></hone-chart>`)}</div>` : nothing}</details>`;
  }

  /* ---- two compared ---- */

  function compareView() {
    if (!selected.size) return nothing;
    const rows = [...selected].map((n) => columns.row(n)).filter(Boolean);
    const clear = html`<button class="link" @click=${() => {
      selected.clear();
      setQuery({sel: null});
      update();
    }}>select none</button>`;
    if (rows.length !== 2) {
      return html`<p class="row muted">${plural(rows.length, 'trial')} selected: ${rows.slice(0, 12).map((r) => trialLink(name, r.number))}${
        rows.length === 1 ? ' Select one more to compare them.' : ''} ${clear}</p>`;
    }
    const [a, b] = rows;
    const same = (x, y) => JSON.stringify(x) === JSON.stringify(y);
    const line = (what, x, y, show, unit = '') => html`<tr class=${same(x, y) ? nothing : 'differs'}><th scope="row" dir="auto" class="clip" title=${
      what}>${what}</th><td>${show(x)}</td><td>${show(y)}</td><td class="muted">${difference(x, y, unit)}</td></tr>`;
    const took = (r) => (r.ended_at && r.started_at ? (r.ended_at - r.started_at) / 1000 : null);
    return panel('Two trials compared', html`<div class="panels"><div class="half scroll-x" tabindex="0" role="region" aria-label="Two trials compared"><table class="list compare"><thead><tr><th
      scope="col"></th><th scope="col">${trialLink(name, a.number)}</th><th scope="col">${trialLink(name, b.number)}</th><th
      scope="col">Difference</th></tr></thead><tbody>${line('state', a.state, b.state, (s) => state(s))}${
      boundFields(study).map((c) => line(label(c), a[c], b[c], cell))}${study.objectives.map((o) => line(o.metric,
      a[plots.valueColumn(study, o.metric)], b[plots.valueColumn(study, o.metric)], number))}${line(label('step'), a.step, b.step, number)}${
      line('took', took(a), took(b), span, ' s')}${columns.parameters.map((p) => line(p, a[`parameters.${p}`], b[`parameters.${p}`], cell))}</tbody></table></div><div
      class="half">${curves ? html`<hone-chart .data=${{...plots.curvesData(study, curves), height: 300}}></hone-chart>` : nothing}</div></div>`,
      html`<span class="gap"></span>${clear}`);
  }
  function difference(x, y, unit) {
    const a = value(x), b = value(y);
    if (a === null || b === null || a === b || !Number.isFinite(a) || !Number.isFinite(b)) return '';
    const d = b - a;
    return `${d > 0 ? '+' : ''}${num(d)}${unit}${a > 0 && b > 0 && (b / a > 2 || a / b > 2) ? `, × ${num(b / a, 3)}` : ''}`;
  }

  /* ---- the page ---- */

  function head(rows, faults, chosen) {
    return html`<div class="head"><h1>Trials</h1><p class="summary" aria-live="polite">${rows.length === columns.n
      ? plural(columns.n, 'trial') : `${count(rows.length)} of ${plural(columns.n, 'trial')}`}</p><span class="gap"></span><input
      type="search" class="filter" aria-label="Filter trials" placeholder="Filter: lr<1e-3 state:completed  ( / )" .value=${query.get('q') ?? ''}
      aria-invalid=${faults.length ? 'true' : 'false'} @keydown=${(event) => {
        if (event.key === 'Escape') event.target.value = '';
        if (event.key === 'Escape' || event.key === 'Enter') (setQuery({q: event.target.value}), update());
        if (event.key === 'Enter') document.querySelector('[role=grid]')?.focus();
      }} @input=${(event) => (setQuery({q: event.target.value}), update())}>${columnChoice(chosen)}<a class="button" download=${
      `${name}.csv`} href=${`${path}/export?format=csv`} @click=${saveCsv}>CSV</a><button @click=${() => copy(curlOf(`${path}/trials?format=csv`),
      'Copied as curl')}>Copy curl</button></div>${faults.map((f) => html`<p class="fault">${f} Columns are: ${choices().all.slice(0, 12).map(label).join(', ')} …</p>`)}`;
  }

  function saveCsv(event) {
    event.preventDefault();
    saveFile(`${path}/export?format=csv`, `${name}.csv`);
  }

  return {
    title: () => `Trials of ${name}`,
    load,
    changed(batch) {
      const mine = batch.trials.get(name);
      mine?.forEach((n) => dirty.add(n));
      if (batch.reset) again.all();
      if (batch.resync) again.open();
      if (mine) again.rows();
      if (batch.studies.has(name)) again.study();
    },
    close: () => Object.values(again).forEach((ask) => ask.cancel()),
    view() {
      if (!columns.n) {
        return html`<h1>Trials</h1>${empty('There is no trial yet. They begin when a worker asks for one:',
          [`hone worker --study ${name} -- ./train {args}`])}`;
      }
      const {terms, faults} = parseFilter(query.get('q') ?? '', columns.names);
      const rows = rowsNow(terms);
      const chosen = choices();
      return html`${head(rows, faults, chosen)}<div class="stack">${compareView()}${chartsView()}${rows.length
        ? tableView(rows, chosen.shown) : empty('No trial fits. Clear the filter, or the ranges of the axes.')}${slicesView()}</div>`;
    },
  };
}
