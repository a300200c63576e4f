/** What is stuck in a study, and why trials failed. `page` is that of study_now.js. */
import {html, nothing, state, studyReason, studyPath, trialLink, counted, failureText, count, span, plural, panel} from './view.js';

const SILENT_S = 120; // a running trial that says nothing for so long is pointed out

function waits(page) {
  const found = [];
  for (const b of page.data.brackets?.brackets ?? []) {
    for (const r of b.rungs) {
      for (const w of r.waits_for ?? []) if (w.seconds > SILENT_S) found.push({...w, bracket: b.bracket, rung: r.rung});
    }
  }
  return found.sort((a, b) => b.seconds - a.seconds);
}

function findings(page) {
  const study = page.data.study, found = [];
  const say = (kind, what) => found.push({kind, what});
  const running = counted(study, 'running'), failed = counted(study, 'failed');
  if (study.state === 'finished' && study.reason === 'failures') say('bad', html`It ended because ${studyReason(study)}.`);
  if (study.never_reported?.length) say('bad', html`No trial has reported <b dir="auto">${study.never_reported.join(', ')}</b>, which
    the study bounds: without it none counts as the best. Is it spelt so in what the jobs report?`);
  if (study.state === 'paused') say('warn', html`It is paused. Resume it to hand out trials again.`);
  if (study.state === 'running' && !running && page.data.workers) say('warn', noWorkerText(page));
  page.data.workers?.filter((w) => w.state === 'quarantined' || w.state === 'gone').slice(0, 3).forEach((w) =>
    say('bad', html`Worker <a href="workers">${w.name}</a> is ${w.state}${w.reason ? html`: <span dir="auto">${w.reason}</span>` : nothing}.`));
  waits(page).slice(0, 3).forEach((w) => say('warn', html`Bracket ${w.bracket}, rung ${w.rung} waits for ${
    trialLink(page.name, w.trial)}, silent for ${span(w.seconds)}. <a href="${studyPath(page.name)}/brackets">See the bracket</a>`));
  if (failed) say(failed > counted(study, 'completed', 'pruned', 'paused') ? 'bad' : 'warn', html`<a
    href="${studyPath(page.name)}/trials?q=state:failed">${plural(failed, 'trial')} failed</a>, most often: <span dir="auto">${
    failureText(reasons(page)[0]?.[0])}</span>.`);
  (study.not_learned ?? []).slice(0, 3).forEach((n) => say('warn', html`Nothing is learned of <span dir="auto">${n.parameter}</span> from
    ${n.study}: ${n.detail}`));
  return found;
}

function noWorkerText(page) {
  if (page.data.workers.some((w) => w.waiting)) return html`Nothing runs although workers ask: they may not match what it requires.`;
  return html`No worker asks for its trials. Start one: <code>hone worker --study ${page.name} -- ./train {args}</code>`;
}

export function stuckPanel(page) {
  const found = findings(page);
  return panel('What is stuck', found.length
    ? html`<ul class="plainlist findings">${found.map((f) => html`<li class=${f.kind}>${f.what}</li>`)}</ul>`
    : html`<p class="good">Nothing. No failures, no waiting, no lost workers.</p>`, nothing, 'third');
}

function reasons(page) {
  const states = page.columns.get('state'), why = page.columns.get('reason'), counts = new Map();
  states.forEach((s, row) => {
    if (s === 'failed') counts.set(why[row] ?? '', (counts.get(why[row] ?? '') ?? 0) + 1);
  });
  return [...counts].sort((a, b) => b[1] - a[1]);
}

export function failuresPanel(page) {
  const list = reasons(page);
  if (!list.length) return nothing;
  const f = page.data.failure;
  return panel('Failures', html`<div class="stack"><ul class="plainlist">${list.slice(0, 6).map(([why, n]) => html`<li class="row"><b>${
    count(n)}</b><a dir="auto" href="${studyPath(page.name)}/trials?q=${encodeURIComponent(`state:failed reason:"${why}"`)}">${
    failureText(why)}</a></li>`)}</ul>${f ? html`<h3>The newest, ${trialLink(page.name, f.number)}, said at last</h3>${f.said
    ? html`<pre class="log" tabindex="0" dir="auto">${f.said}</pre>` : html`<p class="muted">It printed nothing.</p>`}` : nothing}</div>`);
}
