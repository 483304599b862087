// Movies and Devices: one route each, and a scope for each.

import type { Answer } from './api';
import { byId, element, outcome } from './view';

export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

export function shelf(ask: Ask): { clear(): void } {
  const places = [
    { button: 'movies', path: '/movie', list: 'movies' },
    { button: 'devices', path: '/device', list: 'devices' },
  ];
  for (const { button, path, list } of places) {
    byId(button).addEventListener('click', async () => {
      const place = byId(`${button}-result`);
      place.setAttribute('aria-busy', 'true');
      const answer = await ask('GET', path);
      place.replaceChildren(outcome(answer, 'Allowed'));
      if (answer.status === 200) place.append(items(answer, list));
      place.removeAttribute('aria-busy');
    });
  }
  return { clear: () => places.forEach(({ button }) => byId(`${button}-result`).replaceChildren()) };
}

/** What the API lists. The sample API of the template answers with who asked instead. */
function items({ document }: Answer, list: string): HTMLElement {
  const found = document[list];
  const rows = Array.isArray(found) ? found.map((item) => Object.values(item as object)) : Object.entries(document);
  return element('ul', { class: 'items' }, ...rows.map(([first, second]) => (
    element('li', {}, element('span', {}, String(first)), element('span', { class: 'soft' }, shown(second)))
  )));
}

function shown(value: unknown): string {
  if (value === true) return 'on';
  if (value === false) return 'off';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
