// What a person does on the app's page, and sees there.

import assert from 'node:assert/strict';
import { shows } from './harness.mjs';

export class App {
  constructor(page, address) {
    this.page = page;
    this.address = address;
  }

  async open() {
    await this.page.goto(this.address);
    await this.page.locator('body[data-ready]').waitFor();
  }

  /** Goes to the provider, and comes back once `choose` has signed in there. */
  async signIn(choose, name) {
    await this.page.locator('#sign-in').click();
    await choose(this.page);
    await this.page.locator('body[data-ready]').waitFor();
    await shows(this.page.locator('#who'), name);
    assert.equal(this.page.url(), this.address, 'the code is not left in the address');
  }

  async signOut() {
    await this.page.getByRole('button', { name: 'Sign out' }).click();
    await shows(this.page.locator('#who'), 'Not signed in');
  }

  movies() { return this.#asked('Show movies', '#movies-result'); }

  devices() { return this.#asked('Show devices', '#devices-result'); }

  pets() { return this.#asked('Show pets', '#pets-result'); }

  async add(name, price) {
    await this.page.getByLabel('Name').fill(name);
    await this.page.getByLabel('Price in $').fill(String(price));
    return this.#asked('Add pet', '#pets-result');
  }

  buy(name) { return this.#asked(`Buy ${name}`, '#pets-result'); }

  /** Presses a button, and waits for the answer to it. */
  async #asked(button, place) {
    const result = this.page.locator(`${place} .outcome`);
    // The answer is another element than the last one.
    await result.evaluateAll((elements) => elements.forEach((element) => element.setAttribute('data-former', '')));
    await this.page.getByRole('button', { name: button, exact: true }).click();
    const answer = this.page.locator(`${place} .outcome:not([data-former])`);
    await answer.waitFor();
    return { status: Number(await answer.getAttribute('data-status')), text: await answer.innerText() };
  }

  /** What is told of a pet in the list: its price, and who has it. */
  pet(name) { return this.page.locator('#pets-list li').filter({ hasText: name }); }

  /** The lines under "What happened", the newest first. */
  lines() { return this.page.locator('#lines li span').allInnerTexts(); }

  /** A line of the token's claims. */
  async claim(name) {
    return this.page.locator(`#claims dt:text-is("${name}") + dd`).innerText();
  }
}
