// The stories against `authz serve --demo`. Arguments: the gateway's address, and a folder for the screenshots of a failure.

import assert from 'node:assert/strict';
import { App } from './app.mjs';
import { run, shows, until } from './harness.mjs';

const [gateway, folder] = process.argv.slice(2);

await run(folder, async ({ step, tab, browser }) => {
  const page = await tab('app');
  const inspector = await tab('page');
  let app;

  const as = (user) => async (provider) => {
    await provider.waitForURL(/\/__issuer\/authorize/);
    await provider.getByRole('button', { name: user }).first().click();
  };
  /** Presses a button of the page of `authz serve`. */
  const press = async (name) => {
    const sent = inspector.waitForResponse((response) => response.url().includes('/__authorizer/api/') && response.request().method() === 'POST');
    await inspector.getByRole('button', { name }).first().click();
    assert.equal((await sent).status(), 200, name);
  };

  await step('the address opens on the stories', async () => {
    await page.goto(gateway);
    app = new App(page, page.url());
    assert.notEqual(new URL(app.address).origin, gateway, 'the app has an origin of its own');
    await app.open();
    await inspector.goto(`${gateway}/__authorizer`);
    const back = inspector.getByRole('link', { name: 'Open the stories' });
    await back.waitFor();
    assert.equal(new URL(await back.getAttribute('href')).href, app.address);
  });
  await step('without a token every API answers 401, and the page can read it', async () => {
    for (const asked of [() => app.movies(), () => app.devices(), () => app.pets()]) {
      const answer = await asked();
      assert.equal(answer.status, 401);
      assert.match(answer.text, /Who are you/);
    }
  });
  await step('a code that the app did not ask for is not taken', async () => {
    const redeemed = [];
    page.on('request', (request) => { if (request.url().endsWith('/__issuer/token')) redeemed.push(request.url()); });
    await page.goto(`${app.address}?code=planted&state=planted`);
    await shows(page.locator('#notice'), 'did not begin that sign-in');
    await page.locator('#sign-in').click();
    await page.waitForURL(/\/__issuer\/authorize/);
    await page.goto(`${app.address}?code=planted&state=planted&iss=${encodeURIComponent(`${gateway}/__issuer`)}`);
    await shows(page.locator('#notice'), 'did not succeed');
    assert.equal(page.url(), app.address);
    await shows(page.locator('#who'), 'Not signed in');
    assert.deepEqual(redeemed, []);
    await app.open();
  });
  await step('the movie fan signs in with PKCE', async () => {
    const asked = page.waitForRequest(/\/__issuer\/authorize\?/);
    const redeemed = page.waitForRequest(/\/__issuer\/token$/);
    await app.signIn(as('Movie fan'), 'Movie fan');
    const query = new URL((await asked).url()).searchParams;
    assert.equal(query.get('code_challenge_method'), 'S256');
    assert.match((await redeemed).postData(), /code_verifier=[\w-]{43}/);
    assert.equal(await app.claim('scope'), 'read:Movies');
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.equal(kept, '[{},{},""]', 'no token is in a storage');
  });
  await step('the movie fan sees movies and no devices', async () => {
    const preflight = page.waitForRequest((request) => request.url() === `${gateway}/movie` && request.method() === 'GET');
    assert.equal((await app.movies()).status, 200);
    assert.equal((await (await preflight).allHeaders()).origin, new URL(app.address).origin, 'a request of another origin');
    await shows(page.locator('#movies-result li'), 'Seven Trains to Nowhere');
    assert.equal((await app.devices()).status, 403);
    assert.equal(await page.locator('#devices-result li').count(), 0);
  });
  await step('the device owner the other way round', async () => {
    await app.signIn(as('Device owner'), 'Device owner');
    assert.equal(await page.locator('#movies-result').innerText(), '', 'what one user saw is not the next one\'s');
    assert.equal((await app.movies()).status, 403);
    assert.equal((await app.devices()).status, 200);
    await shows(page.locator('#devices-result li'), 'Kitchen radio');
  });
  await step('whose token allows nothing is told why', async () => {
    await app.signIn(as('Newcomer'), 'Newcomer');
    const refused = await app.movies();
    assert.equal(refused.status, 403);
    assert.match(refused.text, /lacks the scope/);
  });
  await step('an administrator adds a pet, and may not buy it', async () => {
    await app.signIn(as('Administrator'), 'Administrator');
    assert.equal((await app.pets()).status, 200);
    const added = await app.add('Moss the <b>tortoise</b>', 60);
    assert.equal(added.status, 201);
    await shows(app.pet('Moss the <b>tortoise</b>'), '$60');
    assert.equal((await app.buy('Moss the <b>tortoise</b>')).status, 403);
    await shows(app.pet('Moss'), 'Buy');
  });
  await step('a customer buys it, and may not add one', async () => {
    await app.signIn(as('Customer google-oauth2'), 'Customer');
    assert.equal((await app.pets()).status, 200);
    assert.equal((await app.buy('Moss the <b>tortoise</b>')).status, 200);
    await shows(app.pet('Moss'), 'Yours');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'pets-result', 'the focus is where the news is');
    assert.equal(await app.pet('Moss').locator('.tag').getAttribute('title'), 'customer@example.com', 'the e-mail address of the token');
    assert.equal((await app.add('Pebble', 1)).status, 403);
  });
  await step('another customer sees that it is sold, and not to whom', async () => {
    await app.signIn(as('Other customer'), 'Other customer');
    await app.pets();
    await shows(app.pet('Moss'), 'Sold');
    assert(!(await page.content()).includes('customer@example.com" class') && await app.pet('Moss').locator('[title]').count() === 0);
  });
  await step('two who want the same pet: the second one is told', async () => {
    const slow = new App(await tab('slow'), app.address);
    await slow.open();
    await slow.signIn(as('Customer google-oauth2'), 'Customer');
    await slow.pets();
    assert.equal((await app.buy('Pepper the cat')).status, 200);
    const late = await slow.buy('Pepper the cat');
    assert.equal(late.status, 409);
    await shows(slow.pet('Pepper'), 'Sold');
    await slow.page.context().close();
  });
  await step('the key is rotated: a refreshed token is signed by the new one and passes', async () => {
    const before = await app.claim('signed by');
    await press('Rotate');
    await page.getByRole('button', { name: 'Refresh now' }).click();
    await until('another key', async () => (await app.claim('signed by')) !== before);
    assert.equal((await app.pets()).status, 200);
  });
  await step('a key that is taken away: 401, a refresh by itself, and 200', async () => {
    const other = new App(await tab('other'), app.address);
    await other.open();
    await press('Rotate');
    await press('Retire');
    // The first token of the new key makes the authorizer fetch the set, which lacks the old one.
    await other.signIn(as('Customer google-oauth2'), 'Customer');
    await until('the new key is known', async () => (await other.pets()).status === 200 || other.lines());
    await press('Flush');
    const asked = (await app.lines()).length;
    assert.equal((await app.pets()).status, 200);
    const told = (await app.lines()).slice(0, (await app.lines()).length - asked).reverse();
    assert.match(told[0], /GET \/pets – 401/);
    assert.match(told[1], /new token/);
    assert.match(told[2], /GET \/pets – 200/);
    await other.page.context().close();
  });
  await step('a token that is about to expire is refreshed before it is sent', async () => {
    await page.clock.install();
    const former = await app.claim('signed by');
    await page.clock.fastForward(296_000);
    let refreshes = 0;
    page.on('request', (request) => { if (request.url().endsWith('/__issuer/token')) refreshes += 1; });
    // Two requests at once take one refresh token, which is good for one time.
    await page.evaluate(() => { document.getElementById('movies').click(); document.getElementById('devices').click(); });
    assert.equal((await app.pets()).status, 200);
    assert.equal(refreshes, 1);
    assert.equal(await app.claim('signed by'), former);
    await page.clock.resume();
  });
  await step('the provider is down: nobody is signed out, and the APIs go on', async () => {
    await press('Switch off');
    await page.getByRole('button', { name: 'Refresh now' }).click();
    await shows(page.locator('#notice'), 'cannot be reached');
    assert.equal((await app.pets()).status, 200);
    await shows(page.locator('#who'), 'Other customer');
    await app.signOut();
    await page.reload();
    await page.locator('body[data-ready]').waitFor();
    await page.locator('#sign-in').click();
    await shows(page.locator('#notice'), 'Try again later');
  });
  await step('the provider is back, and so is the sign-in', async () => {
    await press('Switch on');
    await app.signIn(as('Movie fan'), 'Movie fan');
    assert.equal((await app.movies()).status, 200);
  });
  await step('the app works by keyboard alone', async () => {
    await app.signOut();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/__issuer\/authorize/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await shows(page.locator('#who'), 'Movie fan');
    await page.locator('body[data-ready]').waitFor();
    for (let presses = 0; await page.evaluate(() => document.activeElement?.id !== 'movies'); presses += 1) {
      assert(presses < 10, 'the button is reached by Tab');
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await shows(page.locator('#movies-result'), '200');
  });
  await step('nothing is wider than a telephone', async () => {
    const narrow = await tab('narrow', { viewport: { width: 400, height: 800 }, colorScheme: 'dark' });
    const small = new App(narrow, app.address);
    await small.open();
    await small.signIn(as('Administrator'), 'Administrator');
    await small.pets();
    await small.movies();
    const [wide, seen] = await narrow.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert(wide <= seen, `${wide} of ${seen} pixels`);
    if (process.env.PICTURES) {
      await narrow.screenshot({ path: `${process.env.PICTURES}/app-400-dark.png`, fullPage: true });
    }
  });
  assert(browser.isConnected());
});
