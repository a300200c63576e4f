/** Start, addresses, the frame of every page, sign-in, theme, keys. */
import * as api from './api.js';
import * as brackets from './page_brackets.js';
import * as create from './page_create.js';
import * as studies from './page_studies.js';
import * as study from './page_study.js';
import * as trial from './page_trial.js';
import * as trials from './page_trials.js';
import * as workers from './page_workers.js';
import {html, render, nothing, age, dialog, problemView, studyPath} from './view.js';

/**
 * A page module has `open(context)`, which returns a page:
 *   title          of the tab, or a function that returns it
 *   load()         reads what is shown; its Problem is shown in the page's place
 *   view()         the template
 *   changed(batch) what the server says has changed (api.js, Batch)
 *   close()        when another page is opened; optional
 * The context: `params` and `query` of the address, `update()` renders soon, `setQuery({…})` changes
 * the address (null removes a member), `go(path)` opens another page.
 */
const ROUTES = [
  [/^$/, studies, []],
  [/^new$/, create, []],
  [/^workers$/, workers, []],
  [/^studies\/([^/]+)$/, study, ['study']],
  [/^studies\/([^/]+)\/trials$/, trials, ['study']],
  [/^studies\/([^/]+)\/brackets$/, brackets, ['study']],
  [/^studies\/([^/]+)\/trials\/(\d+)$/, trial, ['study', 'trial']],
];

const main = document.getElementById('main');
const top = document.getElementById('top');
let page = null;
let params = {};
let problem = null;
let loading = false;
let opened = 0; // counts pages, so that a late one is dropped

/* ---- theme ---- */

const THEMES = ['auto', 'light', 'dark'];
const themeNow = () => localStorage.getItem('hone-theme') || 'auto';
function applyTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(themeNow()) + 1) % THEMES.length];
  localStorage.setItem('hone-theme', theme);
  applyTheme(theme);
  renderTop();
}

/* ---- frame ---- */

const STATE_TEXT = {
  connecting: 'connecting',
  live: 'live',
  polling: 'every 2 s',
  reconnecting: 'reconnecting',
  asleep: 'paused while hidden',
};
function connection() {
  const {state, heard} = api.live;
  const stale = state !== 'live' && heard ? `, as of ${age(heard)} ago` : '';
  return html`<span class="connection c-${state}" title="How the page hears of changes"><i></i>${
    STATE_TEXT[state]}${stale}</span>`;
}

const here = () => decodeURIComponent(location.pathname.slice(api.root.pathname.length)).replace(/\/$/, '');
const tab = (href, text) =>
  html`<a href=${href || './'} aria-current=${here() === href ? 'page' : nothing}>${text}</a>`;

function studyTabs() {
  if (!params.study) return nothing;
  const path = studyPath(params.study);
  return html`<nav class="tabs" aria-label="Study"><b class="crumb" dir="auto" title=${params.study}>${
    params.study}</b>${tab(path, 'Overview')}${tab(`${path}/trials`, 'Trials')}${
    tab(`${path}/brackets`, 'Brackets')}</nav>`;
}

function renderTop() {
  render(html`<div class="bar-top"><a class="brand" href="./"><svg viewBox="0 0 20 20" aria-hidden="true"><path
    d="M2 16 10 3l8 13z"></path><path d="M6.5 16 10 10.2 13.5 16"></path></svg>Hone</a><nav aria-label="Main">${
    tab('', 'Studies')}${tab('workers', 'Workers')}${tab('new', 'New study')}</nav><span class="gap"></span>${
    connection()}<button class="quiet" @click=${nextTheme} title="Light, dark, or as the system has it">${
    {auto: 'Theme: auto', light: 'Theme: light', dark: 'Theme: dark'}[themeNow()]}</button><button class="quiet"
    @click=${help} aria-label="Help" title="Keys and words (?)">?</button></div>${studyTabs()}`, top);
}

let asked = 0;
/** Renders with the next frame, once however often it is asked. */
function update() {
  asked ||= requestAnimationFrame(() => {
    asked = 0;
    renderNow();
  });
}
function renderNow() {
  if (problem) render(failedView(), main);
  else if (page && !loading) render(page.view(), main);
  else render(html`<p class="loading" role="status">Loading…</p>`, main);
  document.title = `${(problem ? 'Problem' : titleOf()) || 'Loading'} · Hone`;
}
const titleOf = () => (typeof page?.title === 'function' ? page.title() : page?.title);

function failedView() {
  if (problem.status === 401) {
    return problemView({message: 'Not signed in.'}, () => {
      dismissed = false;
      reload();
    });
  }
  if (problem.status !== 404) return problemView(problem, () => reload());
  return html`<div class="empty"><h1>Not here</h1><p>${problem.message.split('; ')[0]}</p><p><a href="./">All studies</a></p></div>`;
}

/* ---- addresses ---- */

function contextOf(given) {
  const mine = opened;
  const query = new URLSearchParams(location.search);
  return {
    params: given,
    query,
    update: () => mine === opened && update(),
    go,
    setQuery(changes) {
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === '') query.delete(name);
        else query.set(name, value);
      }
      const text = query.toString();
      history.replaceState(history.state, '', location.pathname + (text ? `?${text}` : ''));
    },
  };
}

/** Opens what the address says. */
async function route() {
  const path = here();
  const found = ROUTES.find(([pattern]) => pattern.test(path));
  const mine = ++opened;
  page?.close?.();
  page = null;
  params = {};
  document.documentElement.removeAttribute('data-ready');
  if (!found) {
    problem = {status: 404, message: `There is no page ${path}.`};
    renderTop();
    return renderNow();
  }
  const [pattern, module, names] = found;
  names.forEach((name, i) => (params[name] = pattern.exec(path)[i + 1]));
  problem = null;
  loading = true;
  renderTop();
  const slow = setTimeout(renderNow, 150); // a quick page comes without a flash
  page = module.open(contextOf(params));
  await reload();
  if (mine === opened) clearTimeout(slow);
}

async function reload() {
  const mine = opened;
  try {
    await page.load();
    if (mine !== opened) return;
    problem = null;
  } catch (error) {
    if (mine !== opened) return;
    if (error.status === undefined) throw error;
    problem = error;
  }
  loading = false;
  renderNow();
  document.documentElement.dataset.ready = here() || '/';
}

function go(path) {
  history.pushState(null, '', new URL(path, api.root));
  route();
  main.focus({preventScroll: true});
  scrollTo(0, 0);
}

function takeClick(event) {
  const link = event.target.closest?.('a[href]');
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey
    || event.shiftKey || event.altKey || link.target || link.hasAttribute('download')) return;
  const url = new URL(link.href);
  const path = url.pathname.slice(api.root.pathname.length);
  if (url.origin !== api.root.origin || !url.pathname.startsWith(api.root.pathname)
    || /^(v1|assets)\//.test(path) || link.getAttribute('href').startsWith('#')) return;
  event.preventDefault();
  go(path + url.search);
}

/* ---- sign-in ---- */

let signingIn = false;
let dismissed = false; // the form was left; it comes again when the user says so
const SIGN_IN_TEXT = {
  missing: 'This server wants a token.',
  refused: 'The token is not valid, or no longer: it has expired or was revoked.',
};

async function askForToken(why) {
  if (signingIn || dismissed) return;
  signingIn = true;
  let said = SIGN_IN_TEXT[why];
  const submit = async (event, done, again) => {
    event.preventDefault();
    const given = new FormData(event.target).get('token').trim();
    try {
      if (!/^[\x21-\x7e]+$/.test(given)) throw new Error('A token begins with hp_ and has no blanks.');
      await api.signIn(given);
      done(true);
    } catch (error) {
      said = error.status === 401 ? 'The server does not know this token.' : error.message;
      again();
    }
  };
  const done = await dialog('Sign in', (close, again) => html`<form class="sign-in" @submit=${(event) =>
    submit(event, close, again)}><h2>Sign in</h2><p role="alert">${said}</p><label>Token<input name="token"
    type="password" autocomplete="current-password" required autofocus placeholder="hp_…"></label><p
    class="muted">The first start of the server writes one into <code>admin.token</code> in its data directory.
    <code>hone token create --scope read</code> makes others. It is kept for this tab alone.</p><div
    class="buttons"><button class="primary">Sign in</button></div></form>`);
  signingIn = false;
  dismissed = !done;
  if (done && page) reload();
}

/* ---- keys ---- */

const KEYS = [
  ['?', 'this help'],
  ['/', 'to the filter'],
  ['g s', 'studies'],
  ['g w', 'workers'],
  ['g n', 'new study'],
  ['g o', 'overview of the study'],
  ['g t', 'its trials'],
  ['g b', 'its brackets'],
  ['↑ ↓ Enter', 'in a table: move, open'],
  ['Space', 'in a table: select, to compare or to see in the charts'],
  ['Esc', 'close, or clear the filter'],
];
const WORDS = [
  ['study', 'what is tuned: parameters, an objective, limits'],
  ['trial', 'one configuration of the parameters'],
  ['attempt', 'one run of a trial by a worker'],
  ['step', 'how far a trial has trained: epochs, or what the study calls its resource'],
  ['rung', 'a step at which trials are compared and some go on; rungs make a bracket'],
  ['pruned', 'stopped early, as others were better at the same step'],
];
const list = (rows, tag) => html`<dl class="help">${rows.map(([a, b]) => html`<div><dt>${
  tag ? html`<kbd>${a}</kbd>` : a}</dt><dd>${b}</dd></div>`)}</dl>`;
function help() {
  dialog('Help', (done) => html`<h2>Keys</h2>${list(KEYS, true)}<h2>Words</h2>${list(WORDS)}<div
    class="buttons"><button class="primary" @click=${() => done()}>Close</button></div>`);
}

let prefix = 0;
const GO = {s: () => '', w: () => 'workers', n: () => 'new'};
const GO_STUDY = {o: '', t: '/trials', b: '/brackets'};
function takeKey(event) {
  const typing = event.target.closest?.('input, textarea, select, [contenteditable]');
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const after = Date.now() - prefix < 1500;
  prefix = 0;
  if (after && GO[event.key]) go(GO[event.key]());
  else if (after && params.study && event.key in GO_STUDY) go(studyPath(params.study) + GO_STUDY[event.key]);
  else if (event.key === 'g') prefix = Date.now();
  else if (event.key === '?') help();
  else if (event.key === '/') {
    const filter = main.querySelector('input[type=search]');
    if (!filter) return;
    filter.focus();
    filter.select();
  } else return;
  event.preventDefault();
}

/* ---- start ---- */

applyTheme(themeNow());
api.takeToken();
api.onSignIn(askForToken);
api.onState(renderTop);
api.onBatch((batch) => page && !loading && !problem && page.changed?.(batch));
api.onBatch((batch) => (batch.reset || batch.resync) && problem?.status === 0 && reload());
document.addEventListener('click', takeClick);
document.addEventListener('keydown', takeKey);
addEventListener('popstate', route);
addEventListener('hashchange', api.takeToken);
api.start();
route();
