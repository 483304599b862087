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

// The resource indicator is the algorithm that the access token is signed with.
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
    }],
    scopes: ['read:movies'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'read:movies',
          audience: 'https://api.example.com',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 3600,
          jwt: { sign: { alg: resource.split(':').at(-1) } },
        }),
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
