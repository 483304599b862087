// The stories against a deployed stack, with a real OpenID provider. Arguments: the folder of the built app, the audience of the APIs,
// and a folder for the screenshots of a failure. It prints a line with the issuer and the app's origin, and reads a line with the
// addresses of the APIs.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline/promises';
import { App } from './app.mjs';
import { run, shows, until } from './harness.mjs';
import { OpenIdProvider } from './provider.mjs';

const [built, audience, folder] = process.argv.slice(2);
const CLIENT = 'spa';
/** The authorizer accepts a token for 10 seconds more, and looks for a new key 15 seconds after the last time. */
const LONG = 60_000;
const KINDS = { '/': ['index.html', 'text/html'], '/app.js': ['app.js', 'text/javascript'], '/app.css': ['app.css', 'text/css'] };

let settings;
const host = createServer(async (request, response) => {
  const [file, kind] = KINDS[new URL(request.url, 'http://localhost').pathname] ?? [];
  if (file) response.setHeader('Content-Type', kind).end(await readFile(`${built}/${file}`));
  else if (request.url === '/settings.json') response.end(JSON.stringify(settings));
  else response.writeHead(404).end();
});
await new Promise((resolve) => host.listen(0, '127.0.0.1', resolve));
host.unref();
const origin = `http://127.0.0.1:${host.address().port}`;
const provider = await OpenIdProvider.start(CLIENT, `${origin}/`, audience);
console.log(JSON.stringify({ issuer: provider.issuer, origin }));

const input = createInterface(process.stdin);
const apis = JSON.parse((await input[Symbol.asyncIterator]().next()).value);
input.close();
settings = {
  issuer: provider.issuer,
  clientId: CLIENT,
  scope: 'openid read:Movies read:Devices',
  // Whoever is signed in at the provider is asked again.
  parameters: { prompt: 'login' },
  apis,
};

await run(folder, async ({ step, tab }) => {
  const page = await tab('app');
  const app = new App(page, `${origin}/`);
  const as = (id) => async (tab) => {
    await tab.waitForURL(`${provider.issuer}/interaction/**`);
    await tab.locator('input[name="login"]').fill(id);
    await tab.locator('input[name="password"]').fill('any');
    await tab.locator('button[type="submit"]').click();
    await tab.waitForURL(`${origin}/**`);
  };

  await step('without a token every API answers 401, and the page can read it', async () => {
    await app.open();
    for (const asked of [() => app.movies(), () => app.devices(), () => app.pets()]) {
      const answer = await asked();
      assert.equal(answer.status, 401);
      assert.match(answer.text, /Who are you/);
    }
    await page.locator('#pets-result summary').click();
    await shows(page.locator('#pets-result pre'), 'WWW-Authenticate: Bearer error="invalid_token"');
  });
  await step('the movie fan signs in with PKCE, and sees movies and no devices', async () => {
    const asked = page.waitForRequest(/\/auth\?/);
    await app.signIn(as('movie-fan'), 'Movie fan');
    assert.equal(new URL((await asked).url()).searchParams.get('code_challenge_method'), 'S256');
    assert.equal((await app.movies()).status, 200);
    await shows(page.locator('#movies-result li'), 'GET /movie');
    assert.equal((await app.devices()).status, 403);
  });
  await step('the device owner the other way round', async () => {
    await app.signIn(as('device-owner'), 'Device owner');
    assert.equal((await app.movies()).status, 403);
    assert.equal((await app.devices()).status, 200);
  });
  await step('an administrator adds a pet, and may not buy it', async () => {
    await app.signIn(as('administrator'), 'Administrator');
    assert.equal((await app.pets()).status, 200);
    assert.equal((await app.add('Moss the tortoise', 60)).status, 201);
    await shows(app.pet('Moss'), '$60');
    assert.equal((await app.buy('Moss the tortoise')).status, 403);
  });
  await step('a social user buys it for the e-mail address of the token, and may not add one', async () => {
    await app.signIn(as('customer'), 'Customer');
    assert.equal((await app.pets()).status, 200);
    assert.equal((await app.buy('Moss the tortoise')).status, 200);
    await shows(app.pet('Moss'), 'Yours');
    assert.equal(await app.pet('Moss').locator('.tag').getAttribute('title'), 'customer@example.com');
    const refused = await app.add('Pebble', 1);
    assert.equal(refused.status, 403);
  });
  await step('the key is rotated: a token that is signed by the new one passes', async () => {
    const former = await app.claim('signed by');
    provider.rotate();
    await app.signIn(as('customer'), 'Customer');
    assert.notEqual(await app.claim('signed by'), former);
    await until('200', async () => {
      const answer = await app.pets();
      return answer.status === 200 || answer;
    }, LONG);
  });
  await step('an expired token: 401 if nobody refreshes it', async () => {
    provider.seconds = 1;
    await app.signIn(as('movie-fan'), 'Movie fan');
    await page.getByLabel('Refresh it by itself').uncheck();
    await until('401', async () => {
      const answer = await app.movies();
      return answer.status === 401 || answer;
    }, LONG);
    await shows(page.locator('#movies-result'), 'does not accept this token');
  });
  await step('... and a refresh and 200 otherwise, also if the clock of the browser is slow', async () => {
    provider.seconds = 300;
    await page.clock.setFixedTime(new Date('2020-01-01T00:00:00Z'));
    await page.getByLabel('Refresh it by itself').check();
    assert.equal((await app.movies()).status, 200);
    const [answered, refreshed, refused] = await app.lines();
    assert.match(refused, /GET \/movie – 401/);
    assert.match(refreshed, /new token/);
    assert.match(answered, /GET \/movie – 200/);
  });
  await step('the provider is down: nobody is signed out, and known keys serve on', async () => {
    provider.isDown = true;
    await page.getByRole('button', { name: 'Refresh now' }).click();
    await shows(page.locator('#notice'), 'cannot be reached');
    assert.equal((await app.movies()).status, 200);
    await shows(page.locator('#who'), 'Movie fan');
  });
  await step('the provider is back: the same refresh token is good', async () => {
    provider.isDown = false;
    await page.getByRole('button', { name: 'Refresh now' }).click();
    await until('no notice', async () => (await page.locator('#notice').innerText()) === '');
    assert.equal((await app.movies()).status, 200);
  });
});
// The provider has timers.
process.exit();
