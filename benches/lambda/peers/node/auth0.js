// Like Auth0's sample authorizer: decode the header, get the key from the JWKS client, and verify with `jsonwebtoken`.
'use strict';
const { readFileSync } = require('node:fs');
const jwt = require('jsonwebtoken');
const { JwksClient } = require('jwks-rsa');
const { allow } = require('./policy.js');

const { ISSUER: issuer, AUDIENCE: audience, SCOPE, JWKS_FILE } = process.env;
const client = new JwksClient({
  cache: true,
  rateLimit: true,
  jwksRequestsPerMinute: 10,
  jwksUri: `${issuer}.well-known/jwks.json`,
  getKeysInterceptor: () => JSON.parse(readFileSync(JWKS_FILE, 'utf8')).keys,
});

exports.handler = async (event) => {
  const token = event.authorizationToken.slice('Bearer '.length);
  const decoded = jwt.decode(token, { complete: true });
  const key = await client.getSigningKey(decoded.header.kid);
  const claims = jwt.verify(token, key.getPublicKey(), { audience, issuer });
  if (!claims.scope.split(' ').includes(SCOPE)) throw new Error('Unauthorized');
  return allow(claims.sub, event.methodArn);
};
