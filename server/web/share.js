/** A configuration as others can use it: arguments, a command, a request, JSON. */
import {root, text} from './api.js';
import {html, copy, apiPath} from './view.js';

/** Control characters are escaped: a terminal where they are pasted would take them for keys. */
const escaped = (c) => [...new TextEncoder().encode(c)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** A word of a shell command. */
export function quoted(x) {
  if (/^[\w@%+=:,./-]+$/.test(x)) return x;
  return /\p{Cc}/u.test(x) ? `$'${x.replace(/['\\]/g, '\\$&').replace(/\p{Cc}/gu, escaped)}'` : `'${x.replaceAll("'", `'\\''`)}'`;
}
const textOf = (x) => (typeof x === 'string' ? x : JSON.stringify(x));

/** --lr=0.01 --units=64, as {args} in a command would be. */
export const argumentsOf = (parameters) =>
  Object.entries(parameters).map(([name, x]) => quoted(`--${name}=${textOf(x)}`)).join(' ');

/** Tries the configuration once more, by the command line. */
export function runCommand(study, parameters) {
  const o = study.objectives[0];
  const fixed = Object.entries(parameters).map(([name, x]) => `-P ${quoted(`${name}=${textOf(x)}`)}`).join(' ');
  return `hone run ${study.name.slice(0, 55)}-again --${o.direction} ${quoted(o.metric)} ${fixed} --trials 1 -- ./train {args}`;
}

/** A request that anyone with a token can make. */
export const curlOf = (path) =>
  `curl -H "Authorization: Bearer $HONE_TOKEN" ${quoted(new URL(path, root).href)}`;

export const copyButtons = (study, trial, path) => html`<div class="buttons" role="group"
  aria-label="Copy this configuration as"><small>Copy as</small>${[
    ['arguments', () => argumentsOf(trial.parameters)],
    ['hone run', () => runCommand(study, trial.parameters)],
    ['curl', () => curlOf(path ?? `${apiPath(study.name)}/trials/${trial.number}`)],
    ['JSON', () => JSON.stringify(trial.parameters, null, 2)],
  ].map(([name, make]) => html`<button class="small" @click=${() => copy(make(), `Copied as ${name}`)}>${name}</button>`)}</div>`;

/** Saves an answer of the server as a file: a link cannot carry the token. */
export async function saveFile(path, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([await text(path)], {type: 'text/csv'}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
