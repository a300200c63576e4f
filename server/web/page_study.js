/** One study: what runs, what is best, what is stuck; then the charts. */
import './chart.js';
import './parcoords.js';
import {get, text} from './api.js';
import {Columns, boundFields, metricFields} from './columns.js';
import * as plots from './plots.js';
import {rangesFromText, rangesToText} from './scales.js';
import * as steer from './steer.js';
import {copyButtons, curlOf} from './share.js';
import {html, nothing, state, studyReason, studyPath, trialPath, trialLink, apiPath, counted, total, objective, number, num,
  failureText, cell, percent, value, bar, count, ago, span, plural, goal, isAnother, throttle, panel, empty, notify, better, FINAL,
  TRIAL_STATES} from './view.js';

const SLICES = 6; // shown at first
const MANY = 20_000; // trials, from which on less is drawn at a time
const SILENT_S = 120; // a running trial that says nothing for so long is pointed out

/** Remembers what was made of the same inputs. */
function memo(make) {
  let before, result;
  return (...inputs) => {
    if (!before || inputs.some((x, i) => x !== before[i])) result = make(...inputs);
    before = inputs;
    return result;
  };
}

/** Seconds until the last trial, from how fast the newest ended; null if that cannot be told. */
export function remaining(study, ended, now) {
  const limit = study.limits?.trials;
  const recent = ended.filter((at) => at !== null).sort((a, b) => a - b).slice(-30);
  if (study.state !== 'running' || !limit || recent.length < 5) return null;
  const left = limit - counted(study, ...FINAL);
  const rate = (recent.length - 1) / Math.max(1e-3, (now - recent[0]) / 1000);
  return left > 0 ? left / rate : null;
}

export function open(context) {
  const {params, query, update, setQuery, go} = context;
  const name = params.study, path = apiPath(name);
  const columns = new Columns(name);
  const data = {study: null, history: [], best: null, front: [], workers: null, curves: null, importance: null,
    ledger: null, brackets: null, failure: null};
  const dirty = new Set();
  let showAllSlices = false, closed = false, bestValue = null;

  const isMulti = () => data.study.objectives.length > 1;

  /* ---- reading ---- */

  async function readStudy() {
    const study = await get(path), before = data.study;
    data.study = study;
    if (isAnother(before, study)) forget();
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
    slow: throttle(async () => Promise.all([readImportance(), readLedger(), readFailure()]), 6000),
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

  /* ---- first row: runs, best, stuck ---- */

  function runningList() {
    const states = columns.get('state'), steps = columns.get('step'), values = columns.get('value');
    const rows = [];
    for (let row = columns.n - 1; row >= 0; row--) if (states[row] === 'running') rows.push(row);
    rows.sort((a, b) => (steps[b] ?? -1) - (steps[a] ?? -1)).splice(5); // the furthest first
    const most = data.study.resource?.max;
    return html`<table class="tight"><tbody>${rows.map((row) => html`<tr><td>${trialLink(name, columns.numbers[row])}</td><td
      class="muted clip" title=${columns.get('worker')[row] ?? ''}>${columns.get('worker')[row] ?? ''}</td><td class="right">${
      steps[row] === null ? nothing : html`${num(steps[row])}${most ? html`<span class="muted">/${num(most)}</span>` : nothing}`}</td><td
      class="right">${number(values[row])}</td></tr>`)}</tbody></table>`;
  }

  function nowPanel() {
    const study = data.study, running = counted(study, 'running'), limit = study.limits?.trials;
    const ended = counted(study, ...FINAL);
    const left = remaining(study, columns.get('ended_at').slice(-300), Date.now());
    const parts = TRIAL_STATES.filter((s) => counted(study, s)).map((s) => ({label: s, n: counted(study, s), kind: s}));
    parts.sort((a, b) => FINAL.has(b.kind) - FINAL.has(a.kind));
    return panel('What runs', html`<div class="stack"><div class="row"><span class="big">${count(running)}</span><span>running${
      limit ? html`<br><small>${count(ended)} of ${count(limit)} trials ended${left ? `, about ${span(left)} left` : ''}</small>`
        : html`<br><small>${count(ended)} trials ended</small>`}</span></div>${bar(parts, Math.max(limit ?? 0, total(study)),
      `${count(ended)} ended, ${count(running)} running`)}<div class="row legend">${parts.map((p) => html`<a
      href=${`${studyPath(name)}/trials?q=state:${p.kind}`}>${state(p.kind)} <b>${count(p.n)}</b></a>`)}</div>${
      running ? runningList() : html`<p class="muted">${idleText(study)}</p>`}</div>`, nothing, 'third');
  }

  function idleText(study) {
    if (study.state === 'finished') return `It is finished: ${studyReason(study)}.`;
    if (study.state !== 'running') return `It is ${study.state}: nothing new is handed out.`;
    return 'Nothing runs.';
  }

  function bestPanel() {
    if (isMulti()) {
      return panel('What is best', html`<div class="row"><span class="big">${count(data.front.length)}</span><span>trials that no
        other one beats<br><small>in ${data.study.objectives.map((o) => o.metric).join(' and ')}</small></span></div>${
        feasibleText()}${frontTable()}`, nothing, 'third');
    }
    const trial = data.best?.trial;
    if (!trial) return panel('What is best', noBest(), nothing, 'third');
    const first = value(data.history[0]?.value), now = value(trial.value);
    const share = first && data.history.length > 1 ? (now - first) / Math.abs(first) : null;
    return panel('What is best', html`<div class="stack"><div class="row"><span class="big">${number(trial.value)}</span><span><span
      dir="auto">${objective(data.study).metric}</span>${share === null ? nothing : html` <span class="gain" title="Against the first
      value, ${num(first)}">${share < 0 ? '−' : '+'}${percent(Math.abs(share))}</span>`}<br><small>trial ${trialLink(name, trial.number)}${
      trial.step === null ? '' : `, ${data.study.resource?.name ?? 'step'} ${num(trial.step)}`}, ${trial.ended_at
        ? ago(trial.ended_at) : trial.state}</small></span></div>${feasibleText()}${
      factsOf(trial.parameters)}${copyButtons(data.study, trial, `${path}/best`)}</div>`, nothing, 'third');
  }

  /** How many trials satisfy the outcome constraints; nothing without any. */
  function feasibleText() {
    const n = data.study.feasible_trials, of = counted(data.study, 'completed');
    return n === undefined ? nothing : html`<p><a href=${`${studyPath(name)}/trials?q=feasible:true`}>${count(n)} of ${
      plural(of, 'completed trial')}</a> satisf${n === 1 ? 'ies' : 'y'} ${data.study.subject_to.join(' and ')}.</p>`;
  }
  function noBest() {
    const {nearest, completed_trials: of} = data.best ?? {};
    if (!of) return html`<p class="muted">No trial has a value yet.</p>`;
    const violated = (nearest?.constraints ?? []).filter((c) => c.satisfied === false);
    return html`<div class="stack"><p>None of ${plural(of, 'completed trial')} is known to satisfy ${data.study.subject_to.join(' and ')}.</p>${
      nearest ? html`<p>The nearest is trial ${trialLink(name, nearest.trial)}: ${violated.map((c, i) => html`${i ? ', ' : ''}<span
        dir="auto">${c.metric}</span> ${number(c.value)}, beyond by ${number(c.excess)}`)}.</p>` : nothing}</div>`;
  }

  function factsOf(parameters) {
    const all = Object.entries(parameters);
    const list = (entries) => html`<dl class="facts">${entries.map(([k, v]) => html`<div><dt class="clip" dir="auto" title=${k}>${
      k}</dt><dd>${cell(v)}</dd></div>`)}</dl>`;
    return html`${list(all.slice(0, 8))}${all.length > 8
      ? html`<details><summary>${count(all.length - 8)} more</summary>${list(all.slice(8))}</details>` : nothing}`;
  }

  function frontTable() {
    const goals = data.study.objectives;
    return html`<table class="tight"><thead><tr><th scope="col">Trial</th>${goals.map((o) => html`<th scope="col" class="right"
      dir="auto">${o.metric}</th>`)}</tr></thead><tbody>${data.front.slice(0, 8).map((t) => html`<tr><td>${
      trialLink(name, t.number)}</td>${goals.map((o) => html`<td class="right">${number(t.metrics[o.metric])}</td>`)}</tr>`)}</tbody></table>`;
  }

  /* ---- what is stuck ---- */

  function waits() {
    const found = [];
    for (const b of data.brackets?.brackets ?? []) {
      for (const r of b.rungs) {
        for (const w of r.waits_for ?? []) if (w.seconds > SILENT_S) found.push({...w, bracket: b.bracket, rung: r.rung});
      }
    }
    return found.sort((a, b) => b.seconds - a.seconds);
  }

  function findings() {
    const study = data.study, found = [];
    const say = (kind, what) => found.push({kind, what});
    const running = counted(study, 'running'), failed = counted(study, 'failed');
    if (study.state === 'finished' && study.reason === 'failures') say('bad', html`It ended because ${studyReason(study)}.`);
    if (study.never_reported?.length) say('bad', html`No trial has reported <b dir="auto">${study.never_reported.join(', ')}</b>, which
      the study bounds: without it none counts as the best. Is it spelt so in what the jobs report?`);
    if (study.state === 'paused') say('warn', html`It is paused. Resume it to hand out trials again.`);
    if (study.state === 'running' && !running && data.workers) say('warn', noWorkerText());
    data.workers?.filter((w) => w.state === 'quarantined' || w.state === 'gone').slice(0, 3).forEach((w) =>
      say('bad', html`Worker <a href="workers">${w.name}</a> is ${w.state}${w.reason ? html`: <span dir="auto">${w.reason}</span>` : nothing}.`));
    waits().slice(0, 3).forEach((w) => say('warn', html`Bracket ${w.bracket}, rung ${w.rung} waits for ${
      trialLink(name, w.trial)}, silent for ${span(w.seconds)}. <a href="${studyPath(name)}/brackets">See the bracket</a>`));
    if (failed) say(failed > counted(study, 'completed', 'pruned', 'paused') ? 'bad' : 'warn', html`<a
      href="${studyPath(name)}/trials?q=state:failed">${plural(failed, 'trial')} failed</a>, most often: <span dir="auto">${
      failureText(reasons()[0]?.[0])}</span>.`);
    (study.not_learned ?? []).slice(0, 3).forEach((n) => say('warn', html`Nothing is learned of <span dir="auto">${n.parameter}</span> from
      ${n.study}: ${n.detail}`));
    return found;
  }

  function noWorkerText() {
    if (data.workers.some((w) => w.waiting)) return html`Nothing runs although workers ask: they may not match what it requires.`;
    return html`No worker asks for its trials. Start one: <code>hone worker --study ${name} -- ./train {args}</code>`;
  }

  function stuckPanel() {
    const found = findings();
    return panel('What is stuck', found.length
      ? html`<ul class="plainlist findings">${found.map((f) => html`<li class=${f.kind}>${f.what}</li>`)}</ul>`
      : html`<p class="good">Nothing. No failures, no waiting, no lost workers.</p>`, nothing, 'third');
  }

  function reasons() {
    const states = columns.get('state'), why = columns.get('reason'), counts = new Map();
    states.forEach((s, row) => {
      if (s === 'failed') counts.set(why[row] ?? '', (counts.get(why[row] ?? '') ?? 0) + 1);
    });
    return [...counts].sort((a, b) => b[1] - a[1]);
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

  function failuresPanel() {
    const list = reasons();
    if (!list.length) return nothing;
    const f = data.failure;
    return panel('Failures', html`<div class="stack"><ul class="plainlist">${list.slice(0, 6).map(([why, n]) => html`<li class="row"><b>${
      count(n)}</b><a dir="auto" href="${studyPath(name)}/trials?q=${encodeURIComponent(`state:failed reason:"${why}"`)}">${
      failureText(why)}</a></li>`)}</ul>${f ? html`<h3>The newest, ${trialLink(name, f.number)}, said at last</h3>${f.said
      ? html`<pre class="log" tabindex="0" dir="auto">${f.said}</pre>` : html`<p class="muted">It printed nothing.</p>`}` : nothing}</div>`);
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
      return html`${head()}<div class="panels">${nowPanel()}${bestPanel()}${stuckPanel()}${columns.n
        ? html`${historyPanel()}${importancePanel()}${coordinatesPanel()}<div class="half stack">${curvesPanel()}${
          paretoPanel()}</div><div class="half stack">${ledgerPanel()}${failuresPanel()}</div>${slicesPanel()}` : nothing}</div>${columns.n ? nothing : nothingYet()}`;
    },
  };
}
