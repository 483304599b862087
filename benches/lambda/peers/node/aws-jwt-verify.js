// AWS's library for authorizers, with the key set in its cache from the start.
'use strict';
const { readFileSync } = require('node:fs');
const { JwtVerifier } = require('aws-jwt-verify');
const { allow } = require('./policy.js');

const { ISSUER: issuer, AUDIENCE: audience, SCOPE, JWKS_FILE } = process.env;
const verifier = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}.well-known/jwks.json` });
verifier.cacheJwks(JSON.parse(readFileSync(JWKS_FILE, 'utf8')));

exports.handler = async (event) => {
  const claims = await verifier.verify(event.authorizationToken.slice('Bearer '.length));
  if (!claims.scope.split(' ').includes(SCOPE)) throw new Error('Unauthorized');
  return allow(claims.sub, event.methodArn);
};
