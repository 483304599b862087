// An OpenID provider on loopback. It prints its issuer, and exits when its standard input is closed.
//
// In addition to the usual endpoints, POST /rotate generates new signing keys, and keeps the two previous sets published.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const ALGORITHMS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

function newKeys() {
  return Object.entries(ALGORITHMS).map(([alg, generate]) => (
    { ...generate().privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() }
  ));
}

// A client that only asks about tokens. Its name and secret are hard to encode.
function api(client_id, token_endpoint_auth_method) {
  return {
    client_id,
    client_secret: 'an API: s%cret+&=/?',
    grant_types: [],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method,
  };
}

// The resource indicator is the algorithm that the access token is signed with, or `opaque`.
function provider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    clients: [{
      client_id: 'client',
      client_secret: 'a secret of the client',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
    }, api('api: basic+%', 'client_secret_basic'), api('api: post&=', 'client_secret_post')],
    scopes: ['read:movies'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => {
          const alg = resource.split(':').at(-1);
          return {
            scope: 'read:movies',
            audience: 'https://api.example.com',
            accessTokenTTL: 3600,
            ...(alg === 'opaque' ? { accessTokenFormat: 'opaque' } : { accessTokenFormat: 'jwt', jwt: { sign: { alg } } }),
          };
        },
      },
    },
  });
}

let generations = [newKeys()];
let handler;

const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') {
    generations = [newKeys(), ...generations.slice(0, 2)];
    handler = provider(issuer(), generations.flat()).callback();
    response.end('rotated');
  } else {
    handler(request, response);
  }
});

function issuer() {
  return `http://127.0.0.1:${server.address().port}`;
}

server.listen(0, '127.0.0.1', () => {
  handler = provider(issuer(), generations.flat()).callback();
  console.log(`issuer ${issuer()}`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit());
