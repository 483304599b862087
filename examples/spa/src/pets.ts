// Pets: who signed in with a password may add, who signed in elsewhere may buy, and everybody may look.

import type { Answer } from './api';
import type { Ask } from './shelf';
import { byId, element, outcome } from './view';

interface Pet {
  id: string;
  name: string;
  price: number;
  sold: boolean;
  soldTo?: string;
}

/** As many pages of the list as are read: a hundred pets each. */
const MOST_PAGES = 10;

export function pets(ask: Ask): { clear(): void } {
  const form = byId<HTMLFormElement>('add');
  const name = byId<HTMLInputElement>('name');
  const price = byId<HTMLInputElement>('price');

  /** Reads the whole list, and shows it. The answer is that of the last page, or the one that is no list. */
  async function list(): Promise<Answer> {
    const found: Pet[] = [];
    for (let page = 1, path = '/pets'; ; page += 1) {
      const answer = await ask('GET', path);
      if (answer.status !== 200) return answer;
      if (Array.isArray(answer.document['pets'])) found.push(...answer.document['pets'] as Pet[]);
      const next = answer.document['next'];
      if (typeof next !== 'string' || page === MOST_PAGES) {
        show(found);
        return answer;
      }
      path = `/pets?after=${encodeURIComponent(next)}`;
    }
  }

  function show(found: Pet[]): void {
    found.sort((a, b) => Number(a.sold) - Number(b.sold) || a.name.localeCompare(b.name));
    byId('pets-list').replaceChildren(...found.map(row));
    byId('pets-empty').hidden = found.length > 0;
  }

  function row(pet: Pet): HTMLElement {
    const label = element('span', { class: 'name' }, pet.name);
    const cost = element('span', { class: 'soft' }, `$${pet.price}`);
    if (pet.sold) {
      const whose = pet.soldTo ? element('span', { class: 'tag mine', title: pet.soldTo }, 'Yours') : element('span', { class: 'tag' }, 'Sold');
      return element('li', {}, label, cost, whose);
    }
    const buy = element('button', { type: 'button', 'aria-label': `Buy ${pet.name}` }, 'Buy');
    buy.addEventListener('click', async () => {
      const bought = await ask('POST', '/pets/purchase', { id: pet.id });
      await told(bought, `${pet.name} is yours`);
      // The button may be gone, and the focus with it.
      if (!buy.isConnected) byId('pets-result').focus();
    });
    return element('li', {}, label, cost, buy);
  }

  /** Shows an answer, and the list as it is now if something has changed. */
  async function told(answer: Answer, done: string): Promise<void> {
    byId('pets-result').replaceChildren(outcome(answer, done));
    if (answer.status < 300 || answer.status === 404 || answer.status === 409) await list();
  }

  byId('pets').addEventListener('click', async () => {
    const answer = await list();
    byId('pets-result').replaceChildren(outcome(answer, 'Allowed'));
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const added = await ask('POST', '/pets', { name: name.value, price: price.valueAsNumber });
    await told(added, `${name.value.trim()} is in the store`);
    if (added.status === 201) form.reset();
  });

  return {
    clear() {
      byId('pets-result').replaceChildren();
      byId('pets-list').replaceChildren();
      byId('pets-empty').hidden = true;
    },
  };
}
