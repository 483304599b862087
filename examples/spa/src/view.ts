// Elements, made without markup in texts, so that nothing an API answers can become markup.

import type { Answer } from './api';
import { meaning } from './words';

type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K, attributes: Record<string, string> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found as T;
}

/** An answer as what it is: its status, what that means, and how it was written. */
export function outcome(answer: Answer, done: string): HTMLElement {
  const { kind, title, text } = meaning(answer);
  const heading = element('p', { class: 'said' },
    element('span', { class: 'status' }, answer.status ? String(answer.status) : '–'), ' ',
    element('strong', {}, kind === 'good' && done ? done : title));
  const made = element('div', { class: `outcome ${kind}`, 'data-status': String(answer.status) }, heading);
  if (text) made.append(element('p', {}, text));
  if (kind !== 'good' && answer.text) {
    const head = answer.challenge ? `WWW-Authenticate: ${answer.challenge}\n\n` : '';
    made.append(element('details', {}, element('summary', {}, 'What the API answered'), element('pre', { tabindex: '0' }, head + answer.text)));
  }
  return made;
}

/** The claims of a token, to show. Nothing is decided by them here: that is the API's business. */
export function claims(token: string): Record<string, unknown> {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

/** The key that signed a token. */
export function keyOf(token: string): string {
  try {
    return String(JSON.parse(atob((token.split('.')[0] ?? '').replaceAll('-', '+').replaceAll('_', '/'))).kid ?? '');
  } catch {
    return '';
  }
}
