/** The brackets of a study: who is at which rung, who goes on, who is waited for. */
import './board.js';
import {get} from './api.js';
import {html, apiPath, empty, throttle, trialPath} from './view.js';

const AGE_MS = 1000; // between two looks at how long ago a report was

export function open(context) {
  const {params, update, go} = context;
  const name = params.study, path = apiPath(name);
  const data = {study: null, brackets: null, workers: []};

  async function load() {
    [data.study, data.brackets, data.workers] = await Promise.all([get(path), get(`${path}/brackets`),
      get('v1/workers').then((list) => list.items)]);
    update();
  }
  const again = throttle(load, 1000);
  const ages = setInterval(update, AGE_MS);

  function board() {
    if (!data.brackets.brackets.length) {
      return data.study.resource
        ? empty('No bracket is open yet: the first one opens with the first trial.', [`hone worker --study ${name} -- ./train {args}`])
        : empty('Every trial of this study trains to its end, so there are no rungs. Studies with a resource compare trials early:',
          ['hone run NAME --maximize accuracy --resource epochs=1..81 --strategy hyperband -P lr=log:1e-5..1e-1 -- ./train {args}']);
    }
    return html`<hone-brackets .study=${data.study} .workers=${data.workers} .brackets=${data.brackets} .now=${Date.now()}
      @hone-pick=${(event) => go(trialPath(name, event.detail.number))}></hone-brackets>`;
  }

  return {
    title: () => `Brackets of ${name}`,
    load,
    changed(batch) {
      if (batch.studies.has(name) || batch.trials.has(name) || batch.workers || batch.reset || batch.resync) again();
    },
    close() {
      again.cancel();
      clearInterval(ages);
    },
    view: () => html`<div class="head"><h1>Brackets</h1></div>${board()}`,
  };
}
