// An OpenID provider on loopback, `oidc-provider`, with the users of the stories. Its sign-in page takes any password.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const CONNECTION = 'https://pets.example.com/connection';

/** What each user's tokens say, and which scopes the user has. */
const USERS = {
  'movie-fan': { name: 'Movie fan', scope: 'read:Movies' },
  'device-owner': { name: 'Device owner', scope: 'read:Devices' },
  administrator: { name: 'Administrator', scope: '', [CONNECTION]: 'Username-Password-Authentication' },
  customer: { name: 'Customer', scope: '', [CONNECTION]: 'google-oauth2' },
};
const SCOPES = ['read:Movies', 'read:Devices'];

function claims(id) {
  const { scope: _, ...claims } = USERS[id];
  return { sub: id, email: `${id}@example.com`, ...claims };
}

export class OpenIdProvider {
  /** How long access tokens are valid, in seconds. */
  seconds = 300;
  /** While it is down, it answers everything with 503. */
  isDown = false;
  #keys = [key()];
  #handler;
  #client;
  #audience;

  /** Starts a provider whose one client is a single-page app. */
  static async start(clientId, redirectUri, audience) {
    const provider = new this();
    provider.#client = {
      client_id: clientId,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
    provider.#audience = audience;
    const server = createServer((request, response) => {
      if (provider.isDown) response.writeHead(503, { 'Access-Control-Allow-Origin': '*' }).end();
      else provider.#handler(request, response);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    provider.issuer = `http://127.0.0.1:${server.address().port}`;
    provider.#configure();
    return provider;
  }

  /** Signs with a new key from now on. The former one stays in the set. Sessions and refresh tokens are forgotten. */
  rotate() {
    this.#keys = [key(), ...this.#keys.slice(0, 1)];
    this.#configure();
  }

  #configure() {
    const provider = new Provider(this.issuer, {
      jwks: { keys: this.#keys },
      clients: [this.#client],
      scopes: ['openid', 'offline_access'],
      claims: { openid: ['sub', 'name', 'email'] },
      conformIdTokenClaims: false,
      ttl: { AccessToken: () => this.seconds, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 600, RefreshToken: 3600, Session: 3600 },
      pkce: { required: () => true },
      cookies: { keys: ['a key for the cookies of a test'] },
      clientBasedCORS: () => true,
      findAccount: (_context, id) => (id in USERS ? { accountId: id, claims: () => claims(id) } : undefined),
      extraTokenClaims: (_context, token) => {
        const { sub: _, name: __, ...more } = claims(token.accountId);
        return more;
      },
      issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
      // Nobody is asked for consent: each user grants the scopes that the user has.
      loadExistingGrant: async (context) => {
        const { accountId } = context.oidc.session;
        const grant = new provider.Grant({ clientId: context.oidc.client.clientId, accountId });
        grant.addOIDCScope('openid offline_access');
        const { scope } = USERS[accountId];
        for (const one of SCOPES) {
          if (one === scope) grant.addResourceScope(this.#audience, one);
          else grant.rejectResourceScope(this.#audience, one);
        }
        await grant.save();
        return grant;
      },
      features: {
        devInteractions: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => this.#audience,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: SCOPES.join(' '),
            audience: this.#audience,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
    });
    this.#handler = provider.callback();
  }
}

function key() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: randomUUID() };
}
