/**
 * Calls to the server, the token, and one stream of events that all tabs of this browser share.
 *
 * Paths are relative to where the dashboard is served, so a proxy may put a prefix before them.
 */

/** Where the dashboard is served; fixed here, as pushState moves what <base> is relative to. */
export const root = new URL('.', document.baseURI);
document.querySelector('base').href = root.href;

const TOKEN = 'hone-token';
const HIDDEN_MS = 60_000; // a hidden tab gives the stream up after this
const SILENT_MS = 40_000; // the server writes at least an empty line every 15 s
const POLL_MS = 2_000;

/** A refusal, or status 0: no answer at all. `errors` points into the body that was sent. */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.type = (body.type || '').replace(/.*\//, '');
    this.errors = body.errors || [];
    this.wait = 0;
  }
}

/** @type {Set<(why: string) => void>} called when a token is needed: 'missing' or 'refused' */
const signInListeners = new Set();
export const onSignIn = (listener) => signInListeners.add(listener);

export const token = () => sessionStorage.getItem(TOKEN) || '';
export function setToken(text) {
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}

/** Takes `#token=…` out of the address, so that it is in no history and no screenshot. */
export function takeToken() {
  const found = /[#&]token=([\x21-\x7e]+)/.exec(location.hash);
  if (!found) return;
  setToken(decodeURIComponent(found[1]));
  history.replaceState(history.state, '', location.pathname + location.search);
}

/** Letters that nobody else has; crypto.randomUUID is missing on plain http. */
export function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

function headersOf(method, body, accept) {
  const headers = {Accept: accept};
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['Idempotency-Key'] = randomKey();
  return headers;
}

async function problemOf(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    // a proxy's answer: the status has to do
  }
  const problem = new Problem(response.status, body);
  problem.wait = 1000 * (Number(response.headers.get('Retry-After')) || 0);
  return problem;
}

async function request(method, path, body, accept, signal) {
  let response;
  try {
    response = await fetch(new URL(path, root), {
      method,
      signal,
      headers: headersOf(method, body, accept),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, {detail: 'The server does not answer. The page tries again by itself.'});
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401) {
    const why = token() ? 'refused' : 'missing';
    signInListeners.forEach((listener) => listener(why));
  }
  throw problem;
}

/** The JSON of a path; `undefined` bodies are not sent. Throws Problem. */
export async function call(method, path, body, signal) {
  const response = await request(method, path, body, 'application/json', signal);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}
export const get = (path, signal) => call('GET', path, undefined, signal);
export const text = async (path, signal) =>
  (await request('GET', path, undefined, 'text/plain', signal)).text();

/** Every item of a list, page by page. */
export async function all(path) {
  const items = [];
  for (let cursor = ''; cursor !== null; ) {
    const joint = path.includes('?') ? '&' : '?';
    const page = await get(`${path}${joint}limit=1000${cursor}`);
    items.push(...page.items);
    cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : null;
  }
  return items;
}

/** Keeps a token if the server takes it; throws Problem if not. */
export async function signIn(given) {
  const before = token();
  setToken(given);
  try {
    await get('v1/studies?limit=1');
  } catch (problem) {
    setToken(before);
    throw problem;
  }
  wake(true);
}

/* ---- events ---- */

/**
 * What has changed, told at most ten times a second.
 * @typedef {{studies: Set<string>, trials: Map<string, Set<number>>, workers: boolean,
 *            reset: boolean, resync: boolean}} Batch
 * `reset`: events are missing, read everything again. `resync`: the stream has just begun, read
 * what was not final.
 */
const emptyBatch = () => ({
  studies: new Set(),
  trials: new Map(),
  workers: false,
  reset: false,
  resync: false,
});

/** `state`: connecting, live, polling, reconnecting, asleep. `heard`: when anything was last received. */
export const live = {state: 'connecting', heard: 0};

const batchListeners = new Set();
const stateListeners = new Set();
export function onBatch(listener) {
  batchListeners.add(listener);
  return () => batchListeners.delete(listener);
}
export const onState = (listener) => stateListeners.add(listener);

const me = randomKey();
const channel = self.BroadcastChannel ? new BroadcastChannel(`hone ${root.pathname}`) : null;
let leading = false;
let leaderHeard = 0;
let seq = null; // of the last event; null before the first connection
let stream = null; // AbortController of the running stream
let failures = 0;
let pending = null;

function setState(state) {
  if (live.state === state) return;
  live.state = state;
  stateListeners.forEach((listener) => listener());
}

function deliver(batch) {
  batchListeners.forEach((listener) => listener(batch));
}

/** Adds an event to the batch under way. */
function note(event) {
  if (!pending) {
    pending = emptyBatch();
    setTimeout(flush, 100);
  }
  if (event.seq) seq = event.seq;
  if (event.kind === 'reset') pending.reset = true;
  if (event.kind.startsWith('worker')) pending.workers = true;
  if (event.kind === 'study-deleted') pending.studies.add(event.study ?? ''); // its name may be gone
  if (!event.study) return;
  if (event.kind !== 'measurement') pending.studies.add(event.study);
  if (event.trial) {
    if (!pending.trials.has(event.study)) pending.trials.set(event.study, new Set());
    pending.trials.get(event.study).add(event.trial);
  }
}

function flush() {
  const batch = pending;
  pending = null;
  if (!batch) return;
  deliver(batch);
  if (leading) channel?.postMessage({kind: 'batch', from: me, batch, seq});
}

function tell(changes) {
  const batch = {...emptyBatch(), ...changes};
  deliver(batch);
  if (leading) channel?.postMessage({kind: 'batch', from: me, batch, seq});
}

const heard = () => {
  live.heard = Date.now();
};

async function readStream(signal) {
  const after = seq === null ? 'now' : seq;
  const response = await request('GET', `v1/events?after=${after}`, undefined,
    'application/x-ndjson', signal);
  failures = 0;
  heard();
  setState('live');
  tell({resync: true});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ; ) {
    const {value, done} = await reader.read();
    if (done) return;
    heard();
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    lines.filter((line) => line.trim()).forEach((line) => note(JSON.parse(line)));
  }
}

/** For servers that have no stream left, and proxies that hold it back. */
async function pollOnce(signal) {
  if (seq === null) return tell({reset: true});
  const lines = await text(`v1/events?after=${seq}&follow=false&format=ndjson`, signal);
  lines.split('\n').filter((line) => line.trim()).forEach((line) => note(JSON.parse(line)));
  tell({resync: true});
}

/** What came after `seq` is no longer kept: from now on, with everything read again. */
function startAnew() {
  seq = null;
  tell({reset: true});
}

const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()));
  });

async function follow(signal) {
  while (!signal.aborted) {
    let wait = Math.min(15_000, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
    try {
      await readStream(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401 || error.status === 403) return setState('reconnecting');
      if (error.status === 410) startAnew();
      if (error.status === 503) {
        setState('polling');
        await pollOnce(signal).then(heard, (failed) => {
          if (failed.status === 410) startAnew();
          setState('reconnecting');
        });
        wait = Math.max(POLL_MS, error.wait);
      }
    }
    if (signal.aborted) return;
    failures = Math.min(failures + 1, 6);
    if (live.state !== 'polling') setState('reconnecting');
    await pause(wait, signal);
  }
}

function lead() {
  if (stream) stream.abort();
  stream = new AbortController();
  leading = true;
  follow(stream.signal);
}

function stopLeading(goodbye) {
  if (!leading) return;
  leading = false;
  stream?.abort();
  stream = null;
  if (goodbye) channel?.postMessage({kind: 'bye', from: me});
}

const alive = () => channel?.postMessage({kind: 'alive', from: me, state: live.state, at: live.heard});

function takeMessage({data}) {
  if (data.kind === 'who' && leading) alive();
  if (data.kind === 'bye') leaderHeard = 0;
  if (data.kind === 'alive' && leading && data.from < me) stopLeading(false);
  if (leading || live.state === 'asleep') return;
  if (data.kind === 'alive') {
    const first = !leaderHeard;
    leaderHeard = Date.now();
    live.heard = data.at;
    setState(data.state);
    if (first && data.state === 'live') deliver({...emptyBatch(), resync: true});
  }
  if (data.kind === 'batch') {
    heard();
    seq = data.seq;
    deliver(data.batch);
  }
}

let hiddenAt = 0;
function tick() {
  if (document.hidden) hiddenAt ||= Date.now();
  else hiddenAt = 0;
  if (hiddenAt && Date.now() - hiddenAt > HIDDEN_MS && live.state !== 'asleep') sleep();
  if (live.state === 'asleep') return;
  if (leading) {
    alive();
    if (live.state === 'live' && Date.now() - live.heard > SILENT_MS) lead();
  } else if (Date.now() - leaderHeard > 3000 && !document.hidden) lead();
  stateListeners.forEach((listener) => listener());
}

function sleep() {
  stopLeading(true);
  setState('asleep');
}

/** Connects at once: after sleep, after sign-in, when the network is back. */
function wake(again) {
  hiddenAt = 0;
  if (live.state === 'asleep') {
    live.state = 'connecting';
    deliver({...emptyBatch(), reset: true});
  } else if (!again && live.state === 'live') return;
  failures = 0;
  if (leading) lead();
  else channel?.postMessage({kind: 'who', from: me});
}

/** Begins to follow: one tab reads the stream for all; when it is closed, another one does. */
export function start() {
  channel?.addEventListener('message', takeMessage);
  channel?.postMessage({kind: 'who', from: me});
  setTimeout(() => leaderHeard || leading || lead(), channel ? 120 : 0);
  setInterval(tick, 1000);
  addEventListener('online', () => wake(true));
  addEventListener('pagehide', () => stopLeading(true));
  addEventListener('pageshow', (event) => event.persisted && wake(true));
  document.addEventListener('visibilitychange', () => document.hidden || wake(false));
}

/** For tests: what a clock would do. */
export const testing = {sleep, wake, leading: () => leading};
