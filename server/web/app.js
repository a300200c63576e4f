import {html, render} from './vendor/lit-html.js';

/** The token of `#token=…` is kept for this tab and taken out of the address. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) {
    sessionStorage.setItem('token', token);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem('token');
}

async function studies() {
  const token = takeToken();
  const answer = await fetch('v1/studies', {headers: token ? {Authorization: `Bearer ${token}`} : {}});
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? answer.statusText);
  return body.items;
}

const row = (study) => html`<tr>
  <td><a href=${`studies/${study.name}`}>${study.name}</a></td><td>${study.state}</td></tr>`;

const page = document.getElementById('page');
try {
  render(html`<h1>Studies</h1><table><tbody>${(await studies()).map(row)}</tbody></table>`, page);
} catch (error) {
  render(html`<h1>Studies</h1><p role="alert">${error.message}</p>`, page);
}
