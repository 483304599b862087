// Tokens that expire and an outage that lasts, against `authz serve --demo --token-seconds 2 --cache-seconds 0`. Arguments: the
// gateway's address, and a folder for the screenshots of a failure.

import assert from 'node:assert/strict';
import { App } from './app.mjs';
import { run, shows, until } from './harness.mjs';

const [gateway, folder] = process.argv.slice(2);
/** The authorizer accepts a token for 10 seconds more, and keys for 30 seconds without a provider. */
const LONG = 60_000;

await run(folder, async ({ step, tab }) => {
  const page = await tab('app');
  const inspector = await tab('page');
  let app;
  const provider = async (action) => {
    await inspector.getByRole('button', { name: action, exact: true }).click();
    await inspector.getByRole('button', { name: action === 'Switch off' ? 'Switch on' : 'Switch off', exact: true }).waitFor();
  };

  await step('somebody signs in', async () => {
    await page.goto(gateway);
    app = new App(page, page.url());
    await app.open();
    await inspector.goto(`${gateway}/__authorizer`);
    await app.signIn((tab) => tab.getByRole('button', { name: 'Movie fan' }).click(), 'Movie fan');
  });
  await step('a token that nobody refreshes expires: 403, with the reason', async () => {
    await page.getByLabel('Refresh it by itself').uncheck();
    let refused;
    await until('403', async () => {
      refused = await app.movies();
      return refused.status === 403 || refused;
    }, LONG);
    assert.match(refused.text, /has expired/);
    await shows(page.locator('#left'), 'expired');
  });
  await step('a browser whose clock is slow sends it, and refreshes it when it is refused', async () => {
    await page.clock.setFixedTime(new Date('2020-01-01T00:00:00Z'));
    await page.getByLabel('Refresh it by itself').check();
    const before = (await app.lines()).length;
    assert.equal((await app.movies()).status, 200);
    const [answered, refreshed, refused] = await app.lines();
    assert.equal((await app.lines()).length, before + 3);
    assert.match(refused, /GET \/movie – 403/);
    assert.match(refreshed, /new token/);
    assert.match(answered, /GET \/movie – 200/);
  });
  await step('the provider is down for long: 500 and not 403, and nobody is signed out', async () => {
    await provider('Switch off');
    let answer;
    await until('500', async () => {
      answer = await app.movies();
      return answer.status === 500 || answer;
    }, LONG);
    assert.match(answer.text, /Nobody was refused/);
    await shows(page.locator('#who'), 'Movie fan');
  });
  await step('the provider is back: 200 without another sign-in', async () => {
    await provider('Switch on');
    await until('200', async () => {
      const answer = await app.movies();
      return answer.status === 200 || answer;
    }, LONG);
    await shows(page.locator('#who'), 'Movie fan');
  });
});
