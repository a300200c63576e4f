/** One study: what runs, what is best, what is stuck; then the charts. */
import './chart.js';
import './parcoords.js';
import {get, text} from './api.js';
import {Columns, boundFields, metricFields} from './columns.js';
import {rangesFromText, rangesToText} from './filters.js';
import * as plots from './plots.js';
import * as steer from './steer.js';
import {curlOf} from './share.js';
import {bestPanel, nowPanel} from './study_now.js';
import {failuresPanel, stuckPanel} from './study_stuck.js';
import {html, nothing, state, studyReason, studyPath, trialPath, apiPath, counted, objective, num, percent, value, bar, count,
  ago, span, plural, goal, isAnother, throttle, panel, empty, notify, better} from './view.js';

const SLICES = 6; // shown at first
const MANY = 20_000; // trials, from which on less is drawn at a time

/** Remembers what was made of the same inputs. */
function memo(make) {
  let before, result;
  return (...inputs) => {
    if (!before || inputs.some((x, i) => x !== before[i])) result = make(...inputs);
    before = inputs;
    return result;
  };
}

export function open(context) {
  const {params, query, update, setQuery, go} = context;
  const name = params.study, path = apiPath(name);
  const columns = new Columns(name);
  const data = {study: null, history: [], best: null, front: [], workers: null, curves: null, importance: null,
    ledger: null, brackets: null, volumes: null, failure: null, advised: null};
  const page = {name, path, columns, data};
  const dirty = new Set();
  let showAllSlices = false, closed = false, bestValue = null;

  const isMulti = () => data.study.objectives.length > 1;

  /* ---- reading ---- */

  async function readStudy() {
    const study = await get(path), before = data.study;
    data.study = study;
    if (isAnother(before, study)) forget();
    else if (before && before.state !== study.state) readAdvised();
    if (study.objectives.length > 1) data.front = (await get(`${path}/pareto`)).items;
    else {
      [data.history, data.best] = await Promise.all([get(`${path}/history`).then((h) => h.items), get(`${path}/best`)]);
      sayIfBetter();
    }
    update();
  }

  /** What was read of a study that is gone, and not read again by itself. */
  function forget() {
    bestValue = null;
    data.failure = null;
    data.advised = null;
    again.all();
    again.curves();
  }

  function sayIfBetter() {
    const now = value(data.best.trial?.value);
    if (now === null || now === bestValue) return;
    if (bestValue !== null && better(objective(data.study).direction)(now, bestValue)) {
      notify(`New best: ${num(now)}, trial #${data.best.trial.number}.`);
    }
    bestValue = now;
  }

  /** One of the parts below; a refusal leaves it out. */
  async function part(member, url) {
    try {
      data[member] = await get(url);
    } catch (problem) {
      if (problem.status === undefined && problem.name !== 'AbortError') throw problem;
      data[member] = null;
    }
    update();
  }
  const metric = () => query.get('metric') || objective(data.study).metric;
  const readCurves = () => part('curves', `${path}/curves?metric=${encodeURIComponent(metric())}&trials=200`);
  const readImportance = () => part('importance', `${path}/importance${isMulti() ? `?metric=${encodeURIComponent(metric())}` : ''}`);
  async function readWorkers() {
    data.workers = (await get('v1/workers')).items;
    update();
  }
  const readVolumes = () => (isMulti() ? part('volumes', `${path}/hypervolume`) : null);
  const readAdvised = () => (isMulti() ? null : part('advised', `${path}/best?recommended=true`)); // a model is made for it
  const readLedger = () => part('ledger', `${path}/ledger`);
  const readBrackets = () => (data.study.resource ? part('brackets', `${path}/brackets`) : null);

  async function readFailure() {
    const failed = newestFailed();
    if (failed === null || data.failure?.number === failed) return;
    let said = '';
    try {
      said = await text(`v1/${trialPath(name, failed)}/log?tail=12&format=table`);
    } catch (problem) {
      if (problem.status === undefined) throw problem;
    }
    data.failure = {number: failed, said};
    update();
  }
  function newestFailed() {
    const states = columns.get('state'), ended = columns.get('ended_at');
    let newest = -1;
    states.forEach((s, row) => {
      if (s === 'failed' && (newest < 0 || ended[row] >= ended[newest])) newest = row;
    });
    return newest < 0 ? null : columns.numbers[newest];
  }

  async function readRows() {
    const numbers = [...dirty];
    dirty.clear();
    await columns.refresh(numbers).catch((problem) => {
      numbers.forEach((n) => dirty.add(n)); // they are still to be read
      throw problem;
    });
    update();
  }

  const again = {
    study: throttle(readStudy, 1000),
    rows: throttle(readRows, () => (columns.n > MANY ? 2000 : 500)),
    curves: throttle(readCurves, 2000),
    workers: throttle(readWorkers, 5000), // there may be thousands of them
    brackets: throttle(async () => readBrackets(), 2000),
    slow: throttle(async () => Promise.all([readImportance(), readVolumes(), readLedger(), readFailure()]), 6000),
    all: throttle(async () => {
      columns.want([...boundFields(data.study), ...metricFields(data.study, 0)]);
      await columns.load();
      update();
    }, 2000),
    open: throttle(async () => {
      await columns.catchUp();
      update();
    }, 1000),
  };

  async function load() {
    await readStudy();
    columns.want([...boundFields(data.study), ...metricFields(data.study, 0)]);
    await columns.load();
    if (columns.n) {
      readCurves();
      readImportance();
      readVolumes();
      readAdvised();
      readLedger();
      readFailure();
    }
    readBrackets();
    again.workers();
  }

  function changed(batch) {
    if (closed) return;
    const mine = batch.trials.get(name);
    mine?.forEach((n) => dirty.add(n));
    if (batch.reset) again.all();
    if (batch.resync) again.open();
    if (mine) again.rows();
    if (batch.studies.has(name) || batch.workers || batch.reset || batch.resync) {
      again.study();
      again.workers();
      again.brackets();
      again.slow();
    }
    if (mine || batch.reset) again.curves();
  }

  /* ---- what the charts are given ---- */

  const version = () => columns.version;
  const names = memo((study, _) => plots.varying(study, columns));
  const history = memo((study, _, items, by, log, m) => ({...plots.historyData(study, columns, items, {by, log, metric: m}),
    csv: `${path}/export?format=csv`, curl: curlOf(`${path}/history`)}));
  const coordinates = memo((study, _, list) => plots.parcoordsData(study, columns, list));
  const curves = memo((study, found) => ({...plots.curvesData(study, found), curl: curlOf(`${path}/curves?metric=${
    encodeURIComponent(found.metric)}`)}));
  const pareto = memo((study, _, front) => ({...plots.paretoData(study, columns, front), curl: curlOf(`${path}/pareto`)}));
  const volumes = memo((found) => ({...plots.hypervolumeData(found), csv: `${path}/hypervolume?format=csv`,
    curl: curlOf(`${path}/hypervolume`)}));
  const slices = memo((study, _, list, m) => list.map((n) => ({...plots.sliceData(study, columns, n, m),
    curl: curlOf(`${path}/trials/columns`)})));
  const bars = memo((found) => ({kind: 'bars', title: '', x: {label: ''}, y: {label: ''}, series: [],
    bars: found.parameters.filter((p) => p.share > 0 || found.parameters.length < 12).slice(0, 12)
      .map((p) => ({label: p.name, value: Number(p.share.toFixed(3)), note: `${percent(p.share)} of ${count(p.trials)} trials`})),
    summary: found.parameters.slice(0, 3).map((p) => `${p.name} ${percent(p.share)}`).join(', '),
    csv: `${path}/importance?format=csv`, curl: curlOf(`${path}/importance`)}));

  const ranges = memo(rangesFromText);

  const pick = (event) => go(trialPath(name, event.detail.number));

  /* ---- the head ---- */

  const button = (label, work, kind = '') => html`<button class=${kind} @click=${work}>${label}</button>`;

  function actions() {
    const study = data.study, failed = counted(study, 'failed');
    const active = study.state === 'running' || study.state === 'paused';
    return html`<div class="buttons">${study.state === 'running'
      ? button('Pause', () => steer.setState(study, 'paused', 'Paused: running trials go on to their rung or end.')) : nothing}${
      study.state === 'paused' || study.state === 'stopped'
        ? button('Resume', () => steer.setState(study, 'running', 'The study runs again.'), 'primary') : nothing}${
      active ? button('Add a trial…', () => steer.enqueue(study)) : nothing}${
      failed ? button(`Retry ${count(failed)} failed…`, () => steer.retryFailed(study)) : nothing}${
      button('Limits…', () => steer.editLimits(study))}<a class="button" href=${`new?from=${encodeURIComponent(name)}`}>Duplicate</a>${
      active ? button('Stop…', () => steer.stopStudy(study)) : nothing}</div>`;
  }

  function strategyText(study) {
    const s = study.strategy;
    const chosen = s.chosen ? `${s.chosen.name}, chosen by auto` : s.name;
    return html`<span title=${(s.chosen?.because ?? []).join('\n') || 'As the study says'}>${chosen}</span>`;
  }

  function head() {
    const study = data.study, reason = studyReason(study);
    const fit = study.parameters.length;
    return html`<div class="head"><h1 dir="auto">${study.name}</h1>${state(study.state, reason)}${
      reason ? html`<span class="muted">${reason}</span>` : nothing}<span class="gap"></span>${actions()}</div><p
      class="muted meta">${study.objectives.map((o) => html`<span title=${goal(o)}>${o.direction} <b dir="auto">${o.metric}</b></span> · `)}${
      (study.subject_to ?? []).map((bound) => html`<span title="Only trials that satisfy it count as the best">subject to <b
        dir="auto">${bound}</b></span> · `)}${strategyText(study)} · ${plural(fit, 'parameter')}${study.resource
        ? ` · ${study.resource.name} ${num(study.resource.min)} to ${num(study.resource.max)}` : ''} · created ${
      ago(study.created_at)}${Object.entries(study.labels ?? {}).map(([k, v]) => html` · <span class="label" dir="auto">${k}=${
      v}</span>`)}</p>${study.description ? html`<p class="description" dir="auto">${study.description}</p>` : nothing}${
      study.strategy.chosen?.because?.length ? html`<details class="why"><summary>Why ${study.strategy.chosen.name}?</summary><ul>${
        study.strategy.chosen.because.map((line) => html`<li>${line}</li>`)}</ul></details>` : nothing}`;
  }

  /* ---- the charts ---- */

  const choice = (label, member, options, fallback) => html`<div class="choice" role="group" aria-label=${label}>${
    options.map(([key, text]) => html`<button aria-pressed=${(query.get(member) || fallback) === key ? 'true' : 'false'} @click=${() => {
      setQuery({[member]: key === fallback ? null : key});
      if (member === 'metric') load();
      update();
    }}>${text}</button>`)}</div>`;

  function metricChoice() {
    return isMulti() ? choice('Objective', 'metric', data.study.objectives.map((o) => [o.metric, o.metric]),
      objective(data.study).metric) : nothing;
  }

  function historyPanel() {
    const by = query.get('by') || 'trial';
    const options = [['trial', 'by trial'], ['time', 'by time'], ...(data.study.resource
      ? [['resource', `by ${data.study.resource.name}`]] : [])];
    return panel('History', html`<hone-chart @hone-pick=${pick} .data=${history(data.study, version(), data.history, by,
      query.get('log') === '1', metric())}></hone-chart>`, html`${metricChoice()}<span class="gap"></span>${
      choice('Over', 'by', options, 'trial')}`, 'two-thirds');
  }

  function importancePanel() {
    const found = data.importance;
    if (!found?.trials || !found.parameters.length) return nothing;
    return panel('Which parameters matter', html`${found.warning ? html`<p class="caution">${found.warning}</p>` : nothing}<hone-chart
      .data=${bars(found)}></hone-chart><p><small>How much the values of the best ${count(found.top.trials)} differ from those of all ${
      count(found.trials)}${found.resource === null ? '' : `, at ${data.study.resource?.name ?? 'step'} ${num(found.resource)}`}.</small></p>`,
      nothing, 'third');
  }

  function coordinatesPanel() {
    const list = names(data.study, version());
    if (list.length < 2 || columns.n < 2) return nothing;
    return panel('Parameters side by side', html`<hone-parcoords @hone-pick=${pick} @hone-ranges=${(e) => setQuery({ranges:
      rangesToText(e.detail.ranges)})} .ranges=${ranges(query.get('ranges'))} .data=${coordinates(data.study, version(), list)}></hone-parcoords>`,
      html`<span class="gap"></span><a href="${studyPath(name)}/trials?${new URLSearchParams(query.has('ranges')
        ? {ranges: query.get('ranges')} : {})}">as a table</a>`);
  }

  function curvesPanel() {
    if (!data.curves?.items.some((item) => item.step.length > 1)) return nothing;
    return panel('Learning curves', html`<hone-chart @hone-pick=${pick} .data=${curves(data.study, data.curves)}></hone-chart>`);
  }

  function paretoPanel() {
    return isMulti() ? panel('Trade-off', html`<hone-chart @hone-pick=${pick} .data=${pareto(data.study, version(),
      data.front)}></hone-chart>`) : nothing;
  }

  function hypervolumePanel() {
    const found = data.volumes;
    if (!isMulti() || !found?.items.length) return nothing;
    return panel('Hypervolume', html`<hone-chart .data=${volumes(found)}></hone-chart><p><small>What the trials dominate up to ${
      Object.entries(found.reference).map(([k, v]) => `${k} ${num(v)}`).join(', ')}.</small></p>`);
  }

  function ledgerPanel() {
    const l = data.ledger;
    if (!l) return nothing;
    const parts = [['kept', 'results that count'], ['running', 'running now'], ['wasted', 'lost, failed or repeated'], ['saved', 'not spent, as trials were stopped']];
    const all = parts.reduce((sum, [k]) => sum + (l[k] ?? 0), 0);
    return panel('Where the time went', html`<div class="stack">${bar(parts.map(([k, t]) => ({label: t, n: l[k], kind: k})), all,
      parts.map(([k]) => `${k} ${span(l[k])}`).join(', '))}<dl class="facts ledger">${parts.filter(([k]) => l[k] > 0 || k !== 'running')
      .map(([k, t]) => html`<div><dt><i class="b-${k}"></i>${k}</dt><dd><b title="${l[k]} s">${span(l[k])}</b> <small>${t}</small></dd></div>`)}</dl>${
      l.best_after_share === null || l.best_after_share === undefined ? nothing
        : html`<p><small>The best was found after ${percent(l.best_after_share)} of what was spent.</small></p>`}<details><summary>How it is
      counted</summary><p><small>${l.formula}</small></p></details></div>`);
  }

  function slicesPanel() {
    const list = names(data.study, version());
    if (!list.length || columns.n < 2) return nothing;
    const rank = new Map((data.importance?.parameters ?? []).map((p, i) => [p.name, i]));
    const sorted = [...list].sort((a, b) => (rank.get(a) ?? 999) - (rank.get(b) ?? 999));
    const shown = showAllSlices ? sorted : sorted.slice(0, SLICES);
    if (columns.n > MANY && !isNear) {
      requestAnimationFrame(() => whenNear(document.querySelector('.slices')));
      return panel('The objective over each parameter', html`<div class="slices tall"></div>`);
    }
    return panel('The objective over each parameter', html`<div class="slices">${slicesOf(shown).map((d) => html`<hone-chart @hone-pick=${
      pick} .data=${d}></hone-chart>`)}</div>`, html`<span class="gap"></span>${sorted.length > SLICES ? html`<button class="link" @click=${() => {
      showAllSlices = !showAllSlices;
      update();
    }}>${showAllSlices ? `the first ${SLICES}` : `all ${sorted.length}`}</button>` : nothing}`);
  }
  /** With very many trials the slices are drawn once they come into sight. */
  let isNear = false;
  function whenNear(element) {
    if (!element || isNear || element.isWatched) return;
    element.isWatched = true;
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      isNear = true;
      observer.disconnect();
      update();
    }, {rootMargin: '200px'});
    observer.observe(element);
  }

  let sliceKey = '', sliceNames = [];
  function slicesOf(shown) {
    if (shown.join('\n') !== sliceKey) [sliceKey, sliceNames] = [shown.join('\n'), shown];
    return slices(data.study, version(), sliceNames, metric());
  }

  function nothingYet() {
    const o = objective(data.study);
    return empty('No trial has begun yet. On each machine that is to train, run a worker; it reads metrics from lines such as '
      + `“hone: step=1 ${o.metric}=0.5”.`, [`hone worker --study ${name} -- ./train {args}`]);
  }

  return {
    title: () => name,
    load,
    changed,
    close() {
      closed = true;
      Object.values(again).forEach((ask) => ask.cancel());
    },
    view() {
      return html`${head()}<div class="panels">${nowPanel(page)}${bestPanel(page)}${stuckPanel(page)}${columns.n
        ? html`${historyPanel()}${importancePanel()}${coordinatesPanel()}<div class="half stack">${curvesPanel()}${
          paretoPanel()}${hypervolumePanel()}</div><div class="half stack">${ledgerPanel()}${failuresPanel(page)}</div>${slicesPanel()}` : nothing}</div>${columns.n ? nothing : nothingYet()}`;
    },
  };
}
