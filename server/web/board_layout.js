/* Where everything of a bracket stands on the board: pure, so that tests can ask what is where. */

export const CHIP = {width: 52, height: 20, gap: 5};
const HEAD = 44; // rung, its resource and counts
const COLUMN = 136; // the narrowest column
const SIDE = 12; // from a column's edge to its chips
const MOST_ROWS = 5; // of chips a group
const CUT = 18;

/** How many of the ranked entries stand above the cut: those that go on, or went on already. */
function above(rung, next) {
  if (!next) return 0;
  return next.size ?? rung.entries.filter((e) => e.state === 'promoted').length;
}

/** The rung's entries above and below the cut, running trials last; `n` counts those not listed too. */
function groupsOf(rung, next) {
  const isSized = !next || next.size !== null;
  const k = above(rung, next);
  const isAbove = isSized ? (_, i) => i < k : (e) => e.state === 'promoted';
  const best = rung.entries.filter(isAbove);
  const rest = rung.entries.filter((e, i) => !isAbove(e, i));
  const nBest = isSized ? Math.min(k, rung.reported) : rung.promoted;
  const running = rung.waits_for.map((w) => ({trial: w.trial, seconds: w.seconds, state: 'running'}));
  return [
    {kind: 'above', entries: best, n: Math.max(best.length, nBest)},
    {kind: 'below', entries: rest, n: Math.max(rest.length, rung.reported - nBest)},
    {kind: 'running', entries: running, n: Math.max(running.length, rung.running)},
  ].filter((group) => group.n > 0);
}

function placeGroup(group, column, top, rung, out) {
  const {width, height, gap} = CHIP;
  const perRow = Math.max(1, Math.floor((column.width - 2 * SIDE + gap) / (width + gap)));
  const most = perRow * MOST_ROWS;
  const isCut = group.n > most;
  const shown = group.entries.slice(0, isCut ? most - 1 : most);

  shown.forEach((entry, k) => {
    out.chips.push({...entry, rung, x: column.x + SIDE + (k % perRow) * (width + gap),
      y: top + Math.floor(k / perRow) * (height + gap), width, height});
  });
  const cells = shown.length + (group.n > shown.length ? 1 : 0);
  if (group.n > shown.length) {
    const k = shown.length;
    out.counts.push({x: column.x + SIDE + (k % perRow) * (width + gap), y: top + Math.floor(k / perRow) * (height + gap),
      width, height, n: group.n - shown.length, kind: group.kind, rung});
  }
  return top + Math.ceil(cells / perRow) * (height + gap);
}

/* The line between those that go on and the others, with the value that it takes. */
function cutOf(rung, next, column, y, groups) {
  const last = groups.find((g) => g.kind === 'above')?.entries.at(-1);
  const isFull = next.size === null || rung.reported >= next.size;
  const went = `${rung.promoted}${next.size === null ? '' : ` of ${next.size}`} went on`;
  const text = rung.promoted === 0 && next.size !== null ? `${next.size} will go on` : went;
  return {x0: column.x + 4, x1: column.x + column.width - 4, y, value: isFull && !last?.values ? last?.value ?? null : null, text};
}

function placeRung(bracket, k, column, out) {
  const rung = bracket.rungs[k];
  const next = bracket.rungs[k + 1];
  const groups = groupsOf(rung, next);
  let y = HEAD;

  for (const group of groups) {
    if (group.kind !== 'above' && next && !column.cut && rung.reported > 0) {
      column.cut = cutOf(rung, next, column, y + CUT / 2 - 4, groups);
      out.cuts.push(column.cut);
      y += CUT;
    } else if (group.kind === 'running' && y > HEAD) {
      y += 8;
    }
    y = placeGroup(group, column, y, k, out);
  }
  return y;
}

/* From each promoted chip to the chip of the same trial one rung on. */
function linksOf(chips) {
  const at = new Map(chips.map((chip) => [`${chip.rung} ${chip.trial}`, chip]));
  return chips.filter((chip) => chip.state === 'promoted').flatMap((chip) => {
    const to = at.get(`${chip.rung + 1} ${chip.trial}`);
    return to ? [{from: chip, to}] : [];
  });
}

/**
 * Places a bracket of `v1/studies/{s}/brackets`.
 * @param {*} bracket
 * @param {number} room the width there is
 * @returns {{width: number, height: number, columns: any[], chips: any[], counts: any[], cuts: any[], links: any[]}}
 *   a rung has a column, a trial in it a chip; `counts` stand for chips that are not shown
 */
export function layoutBracket(bracket, room) {
  const n = Math.max(1, bracket.rungs.length);
  const width = Math.max(COLUMN, room / n);
  const out = {width: width * n, height: HEAD, columns: [], chips: [], counts: [], cuts: [], links: []};

  bracket.rungs.forEach((rung, k) => {
    const column = {x: k * width, width, rung};
    out.columns.push(column);
    out.height = Math.max(out.height, placeRung(bracket, k, column, out));
  });
  out.height += 6;
  out.links = linksOf(out.chips);
  return out;
}

/** The chip at a place, or null. */
export const chipAt = (layout, x, y) => layout.chips.find((chip) => x >= chip.x && x < chip.x + chip.width
  && y >= chip.y && y < chip.y + chip.height) ?? null;

/** Open brackets first, the newest at the top. */
export function sortBrackets(brackets) {
  const byAge = (a, b) => b.bracket - a.bracket;
  return {open: brackets.filter((b) => b.state !== 'done').sort(byAge),
    done: brackets.filter((b) => b.state === 'done').sort(byAge)};
}

/**
 * Who a rung waits for, the one silent for longest first.
 * @param {*} rung
 * @param {Map<number, {worker: string, at: number|null}>} reports last ones by trial, in ms
 */
export function awaited(rung, reports, now) {
  const silent = (w) => {
    const at = reports.get(w.trial)?.at;
    return at ? Math.max(0, (now - at) / 1000) : w.seconds;
  };
  return rung.waits_for.map((w) => ({trial: w.trial, seconds: w.seconds, silent: silent(w),
    worker: reports.get(w.trial)?.worker ?? null, hasReport: Boolean(reports.get(w.trial)?.at)}))
    .sort((a, b) => b.silent - a.silent);
}
