// Who is signed in: the authorization code flow with PKCE (RFC 7636), and tokens that are refreshed (RFC 6749 section 6).
//
// The tokens are held in memory alone: no script that runs later finds them in a storage, and a reload signs out.

import * as oauth from 'oauth4webapi';
import type { Settings } from './settings';

/** A token is renewed when it has this many milliseconds left, so that it does not expire on its way. */
const EARLY = 5_000;
/** What a sign-in has to know when the provider sends the browser back. */
const PENDING = 'pending sign-in';

interface Tokens {
  access: string;
  refresh: string | undefined;
  /** In milliseconds since 1970; absent if the provider does not say. */
  expires: number | undefined;
}

export type Refreshed = 'refreshed' | 'ended' | 'unreachable' | 'impossible';

export class Session {
  /** The name of who is signed in. */
  name: string | undefined;
  /** Whether tokens are refreshed by themselves. */
  automatic = true;

  readonly #settings: Settings;
  readonly #client: oauth.Client;
  readonly #changed: () => void;
  #tokens: Tokens | undefined;
  #provider: oauth.AuthorizationServer | undefined;
  #refreshing: Promise<Refreshed> | undefined;

  constructor(settings: Settings, changed: () => void) {
    this.#settings = settings;
    this.#client = { client_id: settings.clientId };
    this.#changed = changed;
  }

  get token(): string | undefined {
    return this.#tokens?.access;
  }

  get expires(): number | undefined {
    return this.#tokens?.expires;
  }

  get canRefresh(): boolean {
    return this.#tokens?.refresh !== undefined;
  }

  /** Whether the token has expired, or is about to. */
  get isOld(): boolean {
    return this.expires !== undefined && this.expires - EARLY <= Date.now();
  }

  /** Sends the browser to the provider. */
  async signIn(): Promise<void> {
    const provider = await this.#discovered();
    if (!provider.authorization_endpoint) throw new Error('the provider has no authorization_endpoint');
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const to = new URL(provider.authorization_endpoint);
    const parameters = {
      ...this.#settings.parameters,
      response_type: 'code',
      client_id: this.#client.client_id,
      redirect_uri: here(),
      scope: this.#settings.scope,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    };
    for (const [name, value] of Object.entries(parameters)) to.searchParams.set(name, value);
    sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, nonce }));
    location.assign(to);
  }

  /** Ends a sign-in that the provider has sent the browser back from. Whether there was one. */
  async cameBack(): Promise<boolean> {
    const address = new URL(location.href);
    if (!address.searchParams.has('code') && !address.searchParams.has('error')) return false;
    // The code is used once. It is not left in the address, nor in the history.
    history.replaceState(null, '', here());
    const pending = sessionStorage.getItem(PENDING);
    sessionStorage.removeItem(PENDING);
    if (!pending) throw new Error('This page did not begin that sign-in.');
    const { verifier, state, nonce } = JSON.parse(pending);
    const provider = await this.#discovered();
    const parameters = oauth.validateAuthResponse(provider, this.#client, address, state);
    const response = await oauth.authorizationCodeGrantRequest(
      provider, this.#client, oauth.None(), parameters, here(), verifier, this.#options(),
    );
    const answer = await oauth.processAuthorizationCodeResponse(
      provider, this.#client, response, { expectedNonce: nonce, requireIdToken: true },
    );
    const claims = oauth.getValidatedIdTokenClaims(answer);
    this.#hold(answer);
    this.name = String(claims?.name ?? claims?.email ?? claims?.sub);
    this.#changed();
    return true;
  }

  /** Renews the token. A refresh token is used once, so all who ask in the meantime wait for the same one. */
  refresh(): Promise<Refreshed> {
    this.#refreshing ??= this.#refreshed().finally(() => { this.#refreshing = undefined; });
    return this.#refreshing;
  }

  signOut(): void {
    this.#tokens = undefined;
    this.name = undefined;
    this.#changed();
  }

  async #refreshed(): Promise<Refreshed> {
    const before = this.#tokens;
    if (!before?.refresh) return 'impossible';
    try {
      const provider = await this.#discovered();
      const response = await oauth.refreshTokenGrantRequest(
        provider, this.#client, oauth.None(), before.refresh, this.#options(),
      );
      const answer = await oauth.processRefreshTokenResponse(provider, this.#client, response);
      // Somebody signed out in the meantime.
      if (this.#tokens !== before) return 'impossible';
      this.#hold(answer, before.refresh);
      this.#changed();
      return 'refreshed';
    } catch (error) {
      // What the provider refuses will not be granted later. Everything else may pass.
      if (!(error instanceof oauth.ResponseBodyError)) return 'unreachable';
      if (this.#tokens === before) this.signOut();
      return 'ended';
    }
  }

  #hold(answer: oauth.TokenEndpointResponse, refresh?: string): void {
    const lasts = answer.expires_in;
    this.#tokens = {
      access: answer.access_token,
      // A provider that does not rotate sends none: the former one stays good.
      refresh: answer.refresh_token ?? refresh,
      expires: lasts === undefined ? undefined : Date.now() + lasts * 1000,
    };
  }

  async #discovered(): Promise<oauth.AuthorizationServer> {
    if (!this.#provider) {
      const issuer = new URL(this.#settings.issuer);
      const response = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...this.#options() });
      this.#provider = await oauth.processDiscoveryResponse(issuer, response);
    }
    return this.#provider;
  }

  /** A provider on this machine may do without TLS, and no other. */
  #options(): { [oauth.allowInsecureRequests]: boolean } {
    const { hostname } = new URL(this.#settings.issuer);
    return { [oauth.allowInsecureRequests]: ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) };
  }
}

/** Where the provider sends the browser back to: this page. */
function here(): string {
  return location.origin + location.pathname;
}
