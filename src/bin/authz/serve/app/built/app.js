/*!
Built from examples/spa of apigw-jwt-authorizer.

It includes oauth4webapi:

The MIT License (MIT)

Copyright (c) 2022 Filip Skokan

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
// src/api.ts
/** Asks an API. An expired or refused token is refreshed, once, and the request is sent again. */
async function call(session, reports, api, method, path, body) {
	const renewed = async () => {
		if (!session.automatic || !session.canRefresh) return false;
		const outcome = await session.refresh();
		reports.refreshed(outcome);
		return outcome === "refreshed";
	};
	const sent = async () => {
		const answer = await send(session.token, api, method, path, body);
		reports.answered(method, path, answer);
		return answer;
	};
	if (session.token && session.isOld) await renewed();
	const answer = await sent();
	return isTokenRefused(answer) && await renewed() ? await sent() : answer;
}
/** Whether a token was refused as such. Where invalid tokens get a 403, its body has the code. */
function isTokenRefused(answer) {
	return answer.signedIn && (answer.status === 401 || answer.status === 403 && answer.document["error"] === "invalid_token");
}
async function send(token, api, method, path, body) {
	const signedIn = token !== void 0;
	const headers = {};
	if (signedIn) headers["Authorization"] = `Bearer ${token}`;
	if (body !== void 0) headers["Content-Type"] = "application/json";
	try {
		const response = await fetch(api + path, {
			method,
			headers,
			cache: "no-store",
			credentials: "omit",
			...body === void 0 ? {} : { body: JSON.stringify(body) }
		});
		const text = await response.text();
		return {
			status: response.status,
			document: document$1(text),
			text,
			challenge: response.headers.get("WWW-Authenticate"),
			signedIn
		};
	} catch {
		return {
			status: 0,
			document: {},
			text: "",
			challenge: null,
			signedIn
		};
	}
}
function document$1(text) {
	try {
		const read = JSON.parse(text);
		return read !== null && typeof read === "object" && !Array.isArray(read) ? read : {};
	} catch {
		return {};
	}
}
// src/words.ts
/** Why a valid token is refused, by the authorizer's reason. */
var REASONS = {
	insufficient_scope: "Your token is valid. It lacks the scope that this route asks for.",
	claim_mismatch: "Your token is valid. One of its claims has another value than this route asks for.",
	missing_claim: "Your token lacks a claim that the API asks for.",
	expired: "Your token has expired."
};
function meaning({ status, document, signedIn }) {
	const message = typeof document["message"] === "string" ? document["message"] : "";
	if (status >= 200 && status < 300) return {
		kind: "good",
		title: status === 201 ? "Added" : "Allowed",
		text: ""
	};
	switch (status) {
		case 0: return {
			kind: "trouble",
			title: "No answer",
			text: "The API cannot be reached, or its answer has no CORS headers for this page."
		};
		case 401: return signedIn ? {
			kind: "refused",
			title: "Not accepted",
			text: "The API does not accept this token. Sign in again."
		} : {
			kind: "refused",
			title: "Who are you?",
			text: "The request had no token. Sign in first."
		};
		case 403: {
			const reason = String(document["reason"] ?? "");
			return {
				kind: "refused",
				title: "You may not",
				text: REASONS[reason] ?? (reason ? `The authorizer's reason is ${reason}.` : "Your token is valid. This route is not among what it allows.")
			};
		}
		case 500: return message === "Internal server error" || !message ? {
			kind: "trouble",
			title: "Not decided",
			text: "The authorizer could not decide, perhaps because the keys of the provider cannot be fetched. Nobody was refused: try again."
		} : {
			kind: "trouble",
			title: "Not decided",
			text: message
		};
		default: return {
			kind: status < 500 ? "refused" : "trouble",
			title: status === 409 ? "Too late" : "Not done",
			text: message
		};
	}
}
// src/view.ts
function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
	made.append(...children);
	return made;
}
function byId(id) {
	const found = document.getElementById(id);
	if (!found) throw new Error(`the page has no ${id}`);
	return found;
}
/** An answer as what it is: its status, what that means, and how it was written. */
function outcome(answer, done) {
	const { kind, title, text } = meaning(answer);
	const heading = element("p", { class: "said" }, element("span", { class: "status" }, answer.status ? String(answer.status) : "–"), " ", element("strong", {}, kind === "good" && done ? done : title));
	const made = element("div", {
		class: `outcome ${kind}`,
		"data-status": String(answer.status)
	}, heading);
	if (text) made.append(element("p", {}, text));
	if (kind !== "good" && answer.text) {
		const head = answer.challenge ? `WWW-Authenticate: ${answer.challenge}\n\n` : "";
		made.append(element("details", {}, element("summary", {}, "What the API answered"), element("pre", { tabindex: "0" }, head + answer.text)));
	}
	return made;
}
/** The claims of a token, to show. Nothing is decided by them here: that is the API's business. */
function claims(token) {
	try {
		const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
		const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
		return JSON.parse(new TextDecoder().decode(bytes));
	} catch {
		return {};
	}
}
/** The key that signed a token. */
function keyOf(token) {
	try {
		return String(JSON.parse(atob((token.split(".")[0] ?? "").replaceAll("-", "+").replaceAll("_", "/"))).kid ?? "");
	} catch {
		return "";
	}
}
// src/pets.ts
/** As many pages of the list as are read: a hundred pets each. */
var MOST_PAGES = 10;
function pets(ask) {
	const form = byId("add");
	const name = byId("name");
	const price = byId("price");
	/** Reads the whole list, and shows it. The answer is that of the last page, or the one that is no list. */
	async function list() {
		const found = [];
		for (let page = 1, path = "/pets";; page += 1) {
			const answer = await ask("GET", path);
			if (answer.status !== 200) return answer;
			if (Array.isArray(answer.document["pets"])) found.push(...answer.document["pets"]);
			const next = answer.document["next"];
			if (typeof next !== "string" || page === MOST_PAGES) {
				show(found);
				return answer;
			}
			path = `/pets?after=${encodeURIComponent(next)}`;
		}
	}
	function show(found) {
		found.sort((a, b) => Number(a.sold) - Number(b.sold) || a.name.localeCompare(b.name));
		byId("pets-list").replaceChildren(...found.map(row));
		byId("pets-empty").hidden = found.length > 0;
	}
	function row(pet) {
		const label = element("span", { class: "name" }, pet.name);
		const cost = element("span", { class: "soft" }, `$${pet.price}`);
		if (pet.sold) return element("li", {}, label, cost, pet.soldTo ? element("span", {
			class: "tag mine",
			title: pet.soldTo
		}, "Yours") : element("span", { class: "tag" }, "Sold"));
		const buy = element("button", {
			type: "button",
			"aria-label": `Buy ${pet.name}`
		}, "Buy");
		buy.addEventListener("click", async () => {
			await told(await ask("POST", "/pets/purchase", { id: pet.id }), `${pet.name} is yours`);
			if (!buy.isConnected) byId("pets-result").focus();
		});
		return element("li", {}, label, cost, buy);
	}
	/** Shows an answer, and the list as it is now if something has changed. */
	async function told(answer, done) {
		byId("pets-result").replaceChildren(outcome(answer, done));
		if (answer.status < 300 || answer.status === 404 || answer.status === 409) await list();
	}
	byId("pets").addEventListener("click", async () => {
		const answer = await list();
		byId("pets-result").replaceChildren(outcome(answer, "Allowed"));
	});
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		const added = await ask("POST", "/pets", {
			name: name.value,
			price: price.valueAsNumber
		});
		await told(added, `${name.value.trim()} is in the store`);
		if (added.status === 201) form.reset();
	});
	return { clear() {
		byId("pets-result").replaceChildren();
		byId("pets-list").replaceChildren();
		byId("pets-empty").hidden = true;
	} };
}
// node_modules/oauth4webapi/build/index.js
var USER_AGENT;
if (typeof navigator === "undefined" || !navigator.userAgent?.startsWith?.("Mozilla/5.0 ")) USER_AGENT = `oauth4webapi/v3.8.8`;
function looseInstanceOf(input, expected) {
	if (input == null) return false;
	try {
		return input instanceof expected || Object.getPrototypeOf(input)[Symbol.toStringTag] === expected.prototype[Symbol.toStringTag];
	} catch {
		return false;
	}
}
var ERR_INVALID_ARG_VALUE = "ERR_INVALID_ARG_VALUE";
var ERR_INVALID_ARG_TYPE = "ERR_INVALID_ARG_TYPE";
function CodedTypeError(message, code, cause) {
	const err = new TypeError(message, { cause });
	Object.assign(err, { code });
	return err;
}
var allowInsecureRequests = Symbol();
var clockSkew = Symbol();
var clockTolerance = Symbol();
var customFetch = Symbol();
var jweDecrypt = Symbol();
var encoder = new TextEncoder();
var decoder = new TextDecoder();
function buf(input) {
	if (typeof input === "string") return encoder.encode(input);
	return decoder.decode(input);
}
var encodeBase64Url;
if (Uint8Array.prototype.toBase64) encodeBase64Url = (input) => {
	if (input instanceof ArrayBuffer) input = new Uint8Array(input);
	return input.toBase64({
		alphabet: "base64url",
		omitPadding: true
	});
};
else {
	const CHUNK_SIZE = 32768;
	encodeBase64Url = (input) => {
		if (input instanceof ArrayBuffer) input = new Uint8Array(input);
		const arr = [];
		for (let i = 0; i < input.byteLength; i += CHUNK_SIZE) arr.push(String.fromCharCode.apply(null, input.subarray(i, i + CHUNK_SIZE)));
		return btoa(arr.join("")).replace(/=/g, "").replace(/\+/g, "-").replace(/\//g, "_");
	};
}
var decodeBase64Url;
if (Uint8Array.fromBase64) decodeBase64Url = (input) => {
	try {
		return Uint8Array.fromBase64(input, { alphabet: "base64url" });
	} catch (cause) {
		throw CodedTypeError("The input to be decoded is not correctly encoded.", ERR_INVALID_ARG_VALUE, cause);
	}
};
else decodeBase64Url = (input) => {
	try {
		const binary = atob(input.replace(/-/g, "+").replace(/_/g, "/").replace(/\s/g, ""));
		const bytes = new Uint8Array(binary.length);
		for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
		return bytes;
	} catch (cause) {
		throw CodedTypeError("The input to be decoded is not correctly encoded.", ERR_INVALID_ARG_VALUE, cause);
	}
};
function b64u(input) {
	if (typeof input === "string") return decodeBase64Url(input);
	return encodeBase64Url(input);
}
var UnsupportedOperationError = class extends Error {
	code;
	constructor(message, options) {
		super(message, options);
		this.name = this.constructor.name;
		this.code = UNSUPPORTED_OPERATION;
		Error.captureStackTrace?.(this, this.constructor);
	}
};
var OperationProcessingError = class extends Error {
	code;
	constructor(message, options) {
		super(message, options);
		this.name = this.constructor.name;
		if (options?.code) this.code = options?.code;
		Error.captureStackTrace?.(this, this.constructor);
	}
};
function OPE(message, code, cause) {
	return new OperationProcessingError(message, {
		code,
		cause
	});
}
function isJsonObject(input) {
	if (input === null || typeof input !== "object" || Array.isArray(input)) return false;
	return true;
}
function prepareHeaders(input) {
	if (looseInstanceOf(input, Headers)) input = Object.fromEntries(input.entries());
	const headers = new Headers(input ?? {});
	if (USER_AGENT && !headers.has("user-agent")) headers.set("user-agent", USER_AGENT);
	if (headers.has("authorization")) throw CodedTypeError("\"options.headers\" must not include the \"authorization\" header name", ERR_INVALID_ARG_VALUE);
	return headers;
}
function signal(url, value) {
	if (value !== void 0) {
		if (typeof value === "function") value = value(url.href);
		if (!(value instanceof AbortSignal)) throw CodedTypeError("\"options.signal\" must return or be an instance of AbortSignal", ERR_INVALID_ARG_TYPE);
		return value;
	}
}
function replaceDoubleSlash(pathname) {
	if (pathname.includes("//")) return pathname.replace("//", "/");
	return pathname;
}
function prependWellKnown(url, wellKnown, allowTerminatingSlash = false) {
	if (url.pathname === "/") url.pathname = wellKnown;
	else url.pathname = replaceDoubleSlash(`${wellKnown}/${allowTerminatingSlash ? url.pathname : url.pathname.replace(/(\/)$/, "")}`);
	return url;
}
function appendWellKnown(url, wellKnown) {
	url.pathname = replaceDoubleSlash(`${url.pathname}/${wellKnown}`);
	return url;
}
async function performDiscovery(input, urlName, transform, options) {
	if (!(input instanceof URL)) throw CodedTypeError(`"${urlName}" must be an instance of URL`, ERR_INVALID_ARG_TYPE);
	checkProtocol(input, options?.[allowInsecureRequests] !== true);
	const url = transform(new URL(input.href));
	const headers = prepareHeaders(options?.headers);
	headers.set("accept", "application/json");
	return (options?.[customFetch] || fetch)(url.href, {
		body: void 0,
		headers: Object.fromEntries(headers.entries()),
		method: "GET",
		redirect: "manual",
		signal: signal(url, options?.signal)
	});
}
async function discoveryRequest(issuerIdentifier, options) {
	return performDiscovery(issuerIdentifier, "issuerIdentifier", (url) => {
		switch (options?.algorithm) {
			case void 0:
			case "oidc":
				appendWellKnown(url, ".well-known/openid-configuration");
				break;
			case "oauth2":
				prependWellKnown(url, ".well-known/oauth-authorization-server");
				break;
			default: throw CodedTypeError("\"options.algorithm\" must be \"oidc\" (default), or \"oauth2\"", ERR_INVALID_ARG_VALUE);
		}
		return url;
	}, options);
}
function assertNumber(input, allow0, it, code, cause) {
	try {
		if (typeof input !== "number" || !Number.isFinite(input)) throw CodedTypeError(`${it} must be a number`, ERR_INVALID_ARG_TYPE, cause);
		if (input > 0) return;
		if (allow0) {
			if (input !== 0) throw CodedTypeError(`${it} must be a non-negative number`, ERR_INVALID_ARG_VALUE, cause);
			return;
		}
		throw CodedTypeError(`${it} must be a positive number`, ERR_INVALID_ARG_VALUE, cause);
	} catch (err) {
		if (code) throw OPE(err.message, code, cause);
		throw err;
	}
}
function assertString(input, it, code, cause) {
	try {
		if (typeof input !== "string") throw CodedTypeError(`${it} must be a string`, ERR_INVALID_ARG_TYPE, cause);
		if (input.length === 0) throw CodedTypeError(`${it} must not be empty`, ERR_INVALID_ARG_VALUE, cause);
	} catch (err) {
		if (code) throw OPE(err.message, code, cause);
		throw err;
	}
}
async function processDiscoveryResponse(expectedIssuerIdentifier, response) {
	const expected = expectedIssuerIdentifier;
	if (!(expected instanceof URL) && expected !== _nodiscoverycheck) throw CodedTypeError("\"expectedIssuerIdentifier\" must be an instance of URL", ERR_INVALID_ARG_TYPE);
	if (!looseInstanceOf(response, Response)) throw CodedTypeError("\"response\" must be an instance of Response", ERR_INVALID_ARG_TYPE);
	if (response.status !== 200) throw OPE("\"response\" is not a conform Authorization Server Metadata response (unexpected HTTP status code)", RESPONSE_IS_NOT_CONFORM, response);
	assertReadableResponse(response);
	const json = await getResponseJsonBody(response);
	assertString(json.issuer, "\"response\" body \"issuer\" property", INVALID_RESPONSE, { body: json });
	if (expected !== _nodiscoverycheck && new URL(json.issuer).href !== expected.href) throw OPE("\"response\" body \"issuer\" property does not match the expected value", JSON_ATTRIBUTE_COMPARISON, {
		expected: expected.href,
		body: json,
		attribute: "issuer"
	});
	return json;
}
function assertApplicationJson(response) {
	assertContentType(response, "application/json");
}
function notJson(response, ...types) {
	let msg = "\"response\" content-type must be ";
	if (types.length > 2) {
		const last = types.pop();
		msg += `${types.join(", ")}, or ${last}`;
	} else if (types.length === 2) msg += `${types[0]} or ${types[1]}`;
	else msg += types[0];
	return OPE(msg, RESPONSE_IS_NOT_JSON, response);
}
function assertContentType(response, contentType) {
	if (getContentType(response) !== contentType) throw notJson(response, contentType);
}
function randomBytes() {
	return b64u(crypto.getRandomValues(/* @__PURE__ */ new Uint8Array(32)));
}
function generateRandomCodeVerifier() {
	return randomBytes();
}
function generateRandomState() {
	return randomBytes();
}
function generateRandomNonce() {
	return randomBytes();
}
async function calculatePKCECodeChallenge(codeVerifier) {
	assertString(codeVerifier, "codeVerifier");
	return b64u(await crypto.subtle.digest("SHA-256", buf(codeVerifier)));
}
function getClockSkew(client) {
	const skew = client?.[clockSkew];
	return typeof skew === "number" && Number.isFinite(skew) ? skew : 0;
}
function getClockTolerance(client) {
	const tolerance = client?.[clockTolerance];
	return typeof tolerance === "number" && Number.isFinite(tolerance) && Math.sign(tolerance) !== -1 ? tolerance : 30;
}
function epochTime() {
	return Math.floor(Date.now() / 1e3);
}
function assertAs(as) {
	if (typeof as !== "object" || as === null) throw CodedTypeError("\"as\" must be an object", ERR_INVALID_ARG_TYPE);
	assertString(as.issuer, "\"as.issuer\"");
}
function assertClient(client) {
	if (typeof client !== "object" || client === null) throw CodedTypeError("\"client\" must be an object", ERR_INVALID_ARG_TYPE);
	assertString(client.client_id, "\"client.client_id\"");
}
function None() {
	return (_as, client, body, _headers) => {
		body.set("client_id", client.client_id);
	};
}
var URLParse = URL.parse ? (url, base) => URL.parse(url, base) : (url, base) => {
	try {
		return new URL(url, base);
	} catch {
		return null;
	}
};
function checkProtocol(url, enforceHttps) {
	if (enforceHttps && url.protocol !== "https:") throw OPE("only requests to HTTPS are allowed", HTTP_REQUEST_FORBIDDEN, url);
	if (url.protocol !== "https:" && url.protocol !== "http:") throw OPE("only HTTP and HTTPS requests are allowed", REQUEST_PROTOCOL_FORBIDDEN, url);
}
function validateEndpoint(value, endpoint, useMtlsAlias, enforceHttps) {
	let url;
	if (typeof value !== "string" || !(url = URLParse(value))) throw OPE(`authorization server metadata does not contain a valid ${useMtlsAlias ? `"as.mtls_endpoint_aliases.${endpoint}"` : `"as.${endpoint}"`}`, value === void 0 ? MISSING_SERVER_METADATA : INVALID_SERVER_METADATA, { attribute: useMtlsAlias ? `mtls_endpoint_aliases.${endpoint}` : endpoint });
	checkProtocol(url, enforceHttps);
	return url;
}
function resolveEndpoint(as, endpoint, useMtlsAlias, enforceHttps) {
	if (useMtlsAlias && as.mtls_endpoint_aliases && endpoint in as.mtls_endpoint_aliases) return validateEndpoint(as.mtls_endpoint_aliases[endpoint], endpoint, useMtlsAlias, enforceHttps);
	return validateEndpoint(as[endpoint], endpoint, useMtlsAlias, enforceHttps);
}
var ResponseBodyError = class extends Error {
	cause;
	code;
	error;
	status;
	error_description;
	response;
	constructor(message, options) {
		super(message, options);
		this.name = this.constructor.name;
		this.code = RESPONSE_BODY_ERROR;
		this.cause = options.cause;
		this.error = options.cause.error;
		this.status = options.response.status;
		this.error_description = options.cause.error_description;
		Object.defineProperty(this, "response", {
			enumerable: false,
			value: options.response
		});
		Error.captureStackTrace?.(this, this.constructor);
	}
};
var AuthorizationResponseError = class extends Error {
	cause;
	code;
	error;
	error_description;
	constructor(message, options) {
		super(message, options);
		this.name = this.constructor.name;
		this.code = AUTHORIZATION_RESPONSE_ERROR;
		this.cause = options.cause;
		this.error = options.cause.get("error");
		this.error_description = options.cause.get("error_description") ?? void 0;
		Error.captureStackTrace?.(this, this.constructor);
	}
};
var WWWAuthenticateChallengeError = class extends Error {
	cause;
	code;
	response;
	status;
	constructor(message, options) {
		super(message, options);
		this.name = this.constructor.name;
		this.code = WWW_AUTHENTICATE_CHALLENGE;
		this.cause = options.cause;
		this.status = options.response.status;
		this.response = options.response;
		Object.defineProperty(this, "response", { enumerable: false });
		Error.captureStackTrace?.(this, this.constructor);
	}
};
var schemeRE = /* @__PURE__ */ new RegExp("^[,\\s]*([a-zA-Z0-9!#$%&\\'\\*\\+\\-\\.\\^_`\\|~]+)");
var quotedParamRE = /* @__PURE__ */ new RegExp("^[,\\s]*([a-zA-Z0-9!#$%&\\'\\*\\+\\-\\.\\^_`\\|~]+)\\s*=\\s*\"((?:[^\"\\\\]|\\\\[\\s\\S])*)\"[,\\s]*(.*)");
var unquotedParamRE = /* @__PURE__ */ new RegExp("^[,\\s]*([a-zA-Z0-9!#$%&\\'\\*\\+\\-\\.\\^_`\\|~]+)\\s*=\\s*([a-zA-Z0-9!#$%&\\'\\*\\+\\-\\.\\^_`\\|~]+)[,\\s]*(.*)");
var token68ParamRE = /* @__PURE__ */ new RegExp("^([a-zA-Z0-9\\-\\._\\~\\+\\/]+={0,2})(?:$|[,\\s])(.*)");
function parseWwwAuthenticateChallenges(response) {
	if (!looseInstanceOf(response, Response)) throw CodedTypeError("\"response\" must be an instance of Response", ERR_INVALID_ARG_TYPE);
	const header = response.headers.get("www-authenticate");
	if (header === null) return;
	const challenges = [];
	let rest = header;
	while (rest) {
		let match = rest.match(schemeRE);
		const scheme = match?.["1"].toLowerCase();
		if (!scheme) return;
		const afterScheme = rest.substring(match[0].length);
		if (afterScheme && !afterScheme.match(/^[\s,]/)) return;
		const spaceMatch = afterScheme.match(/^\s+(.*)$/);
		const hasParameters = !!spaceMatch;
		rest = spaceMatch ? spaceMatch[1] : void 0;
		const parameters = {};
		let token68;
		if (hasParameters) while (rest) {
			let key;
			let value;
			if (match = rest.match(quotedParamRE)) {
				[, key, value, rest] = match;
				if (value.includes("\\")) value = value.replace(/\\([\s\S])/g, "$1");
				parameters[key.toLowerCase()] = value;
				continue;
			}
			if (match = rest.match(unquotedParamRE)) {
				[, key, value, rest] = match;
				parameters[key.toLowerCase()] = value;
				continue;
			}
			if (match = rest.match(token68ParamRE)) {
				if (Object.keys(parameters).length) break;
				[, token68, rest] = match;
				break;
			}
			return;
		}
		else rest = afterScheme || void 0;
		const challenge = {
			scheme,
			parameters
		};
		if (token68) challenge.token68 = token68;
		challenges.push(challenge);
	}
	if (!challenges.length) return;
	return challenges;
}
async function parseOAuthResponseErrorBody(response) {
	if (response.status > 399 && response.status < 500) {
		assertReadableResponse(response);
		assertApplicationJson(response);
		try {
			const json = await response.clone().json();
			if (isJsonObject(json) && typeof json.error === "string" && json.error.length) return json;
		} catch {}
	}
}
async function checkOAuthBodyError(response, expected, label) {
	if (response.status !== expected) {
		checkAuthenticationChallenges(response);
		let err;
		if (err = await parseOAuthResponseErrorBody(response)) {
			await response.body?.cancel();
			throw new ResponseBodyError("server responded with an error in the response body", {
				cause: err,
				response
			});
		}
		throw OPE(`"response" is not a conform ${label} response (unexpected HTTP status code)`, RESPONSE_IS_NOT_CONFORM, response);
	}
}
function assertDPoP(option) {
	if (!branded.has(option)) throw CodedTypeError("\"options.DPoP\" is not a valid DPoPHandle", ERR_INVALID_ARG_VALUE);
}
function getContentType(input) {
	return input.headers.get("content-type")?.split(";")[0];
}
async function authenticatedRequest(as, client, clientAuthentication, url, body, headers, options) {
	await clientAuthentication(as, client, body, headers);
	headers.set("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
	return (options?.[customFetch] || fetch)(url.href, {
		body,
		headers: Object.fromEntries(headers.entries()),
		method: "POST",
		redirect: "manual",
		signal: signal(url, options?.signal)
	});
}
async function tokenEndpointRequest(as, client, clientAuthentication, grantType, parameters, options) {
	const url = resolveEndpoint(as, "token_endpoint", client.use_mtls_endpoint_aliases, options?.[allowInsecureRequests] !== true);
	parameters.set("grant_type", grantType);
	const headers = prepareHeaders(options?.headers);
	headers.set("accept", "application/json");
	if (options?.DPoP !== void 0) {
		assertDPoP(options.DPoP);
		await options.DPoP.addProof(url, headers, "POST");
	}
	const response = await authenticatedRequest(as, client, clientAuthentication, url, parameters, headers, options);
	options?.DPoP?.cacheNonce(response, url);
	return response;
}
async function refreshTokenGrantRequest(as, client, clientAuthentication, refreshToken, options) {
	assertAs(as);
	assertClient(client);
	assertString(refreshToken, "\"refreshToken\"");
	const parameters = new URLSearchParams(options?.additionalParameters);
	parameters.set("refresh_token", refreshToken);
	return tokenEndpointRequest(as, client, clientAuthentication, "refresh_token", parameters, options);
}
var idTokenClaims = /* @__PURE__ */ new WeakMap();
var jwtRefs = /* @__PURE__ */ new WeakMap();
function getValidatedIdTokenClaims(ref) {
	if (!ref.id_token) return;
	const claims = idTokenClaims.get(ref);
	if (!claims) throw CodedTypeError("\"ref\" was already garbage collected or did not resolve from the proper sources", ERR_INVALID_ARG_VALUE);
	return claims;
}
async function processGenericAccessTokenResponse(as, client, response, additionalRequiredIdTokenClaims, decryptFn, recognizedTokenTypes) {
	assertAs(as);
	assertClient(client);
	if (!looseInstanceOf(response, Response)) throw CodedTypeError("\"response\" must be an instance of Response", ERR_INVALID_ARG_TYPE);
	await checkOAuthBodyError(response, 200, "Token Endpoint");
	assertReadableResponse(response);
	const json = await getResponseJsonBody(response);
	assertString(json.access_token, "\"response\" body \"access_token\" property", INVALID_RESPONSE, { body: json });
	assertString(json.token_type, "\"response\" body \"token_type\" property", INVALID_RESPONSE, { body: json });
	json.token_type = json.token_type.toLowerCase();
	if (json.expires_in !== void 0) {
		let expiresIn = typeof json.expires_in !== "number" ? parseFloat(json.expires_in) : json.expires_in;
		assertNumber(expiresIn, true, "\"response\" body \"expires_in\" property", INVALID_RESPONSE, { body: json });
		json.expires_in = expiresIn;
	}
	if (json.refresh_token !== void 0) assertString(json.refresh_token, "\"response\" body \"refresh_token\" property", INVALID_RESPONSE, { body: json });
	if (json.scope !== void 0 && typeof json.scope !== "string") throw OPE("\"response\" body \"scope\" property must be a string", INVALID_RESPONSE, { body: json });
	if (json.id_token !== void 0) {
		assertString(json.id_token, "\"response\" body \"id_token\" property", INVALID_RESPONSE, { body: json });
		const requiredClaims = [];
		if (client.require_auth_time === true) requiredClaims.push("auth_time");
		if (client.default_max_age !== void 0) {
			assertNumber(client.default_max_age, true, "\"client.default_max_age\"");
			requiredClaims.push("auth_time");
		}
		if (additionalRequiredIdTokenClaims?.length) requiredClaims.push(...additionalRequiredIdTokenClaims);
		const { claims, jwt } = await validateIdTokenClaims(as, client, json.id_token, requiredClaims, decryptFn);
		validateIdTokenAuthorizedParty(client, claims);
		validateIdTokenAuthTimeClaim(claims);
		jwtRefs.set(response, jwt);
		idTokenClaims.set(json, claims);
	}
	if (recognizedTokenTypes?.[json.token_type] !== void 0) recognizedTokenTypes[json.token_type](response, json);
	else if (json.token_type !== "dpop" && json.token_type !== "bearer") throw new UnsupportedOperationError("unsupported `token_type` value", { cause: { body: json } });
	return json;
}
function checkAuthenticationChallenges(response) {
	let challenges;
	if (challenges = parseWwwAuthenticateChallenges(response)) throw new WWWAuthenticateChallengeError("server responded with a challenge in the WWW-Authenticate HTTP Header", {
		cause: challenges,
		response
	});
}
async function processRefreshTokenResponse(as, client, response, options) {
	return processGenericAccessTokenResponse(as, client, response, void 0, options?.[jweDecrypt], options?.recognizedTokenTypes);
}
function validateAudience(expected, result) {
	if (Array.isArray(result.claims.aud)) {
		if (!result.claims.aud.includes(expected)) throw OPE("unexpected JWT \"aud\" (audience) claim value", JWT_CLAIM_COMPARISON, {
			expected,
			claims: result.claims,
			claim: "aud"
		});
	} else if (result.claims.aud !== expected) throw OPE("unexpected JWT \"aud\" (audience) claim value", JWT_CLAIM_COMPARISON, {
		expected,
		claims: result.claims,
		claim: "aud"
	});
	return result;
}
function validateIssuer(as, result) {
	const expected = as[_expectedIssuer]?.(result) ?? as.issuer;
	if (result.claims.iss !== expected) throw OPE("unexpected JWT \"iss\" (issuer) claim value", JWT_CLAIM_COMPARISON, {
		expected,
		claims: result.claims,
		claim: "iss"
	});
	return result;
}
var branded = /* @__PURE__ */ new WeakSet();
function brand(searchParams) {
	branded.add(searchParams);
	return searchParams;
}
var nopkce = Symbol();
async function authorizationCodeGrantRequest(as, client, clientAuthentication, callbackParameters, redirectUri, codeVerifier, options) {
	assertAs(as);
	assertClient(client);
	if (!branded.has(callbackParameters)) throw CodedTypeError("\"callbackParameters\" must be an instance of URLSearchParams obtained from \"validateAuthResponse()\", or \"validateJwtAuthResponse()", ERR_INVALID_ARG_VALUE);
	assertString(redirectUri, "\"redirectUri\"");
	const code = getURLSearchParameter(callbackParameters, "code");
	if (!code) throw OPE("no authorization code in \"callbackParameters\"", INVALID_RESPONSE);
	const parameters = new URLSearchParams(options?.additionalParameters);
	parameters.set("redirect_uri", redirectUri);
	parameters.set("code", code);
	if (codeVerifier !== nopkce) {
		assertString(codeVerifier, "\"codeVerifier\"");
		parameters.set("code_verifier", codeVerifier);
	}
	return tokenEndpointRequest(as, client, clientAuthentication, "authorization_code", parameters, options);
}
var jwtClaimNames = {
	aud: "audience",
	c_hash: "code hash",
	client_id: "client id",
	exp: "expiration time",
	iat: "issued at",
	iss: "issuer",
	jti: "jwt id",
	nonce: "nonce",
	s_hash: "state hash",
	sub: "subject",
	ath: "access token hash",
	htm: "http method",
	htu: "http uri",
	cnf: "confirmation",
	auth_time: "authentication time"
};
function validatePresence(required, result) {
	for (const claim of required) if (result.claims[claim] === void 0) throw OPE(`JWT "${claim}" (${jwtClaimNames[claim]}) claim missing`, INVALID_RESPONSE, { claims: result.claims });
	return result;
}
function validateStringClaim(claim, result) {
	if (typeof result.claims[claim] !== "string") throw OPE(`unexpected JWT "${claim}" (${jwtClaimNames[claim]}) claim type`, INVALID_RESPONSE, { claims: result.claims });
	return result;
}
function validateIdTokenClaims(as, client, idToken, requiredClaims, decryptFn) {
	return validateJwt(idToken, checkSigningAlgorithm.bind(void 0, client.id_token_signed_response_alg, as.id_token_signing_alg_values_supported, "RS256"), getClockSkew(client), getClockTolerance(client), decryptFn).then(validatePresence.bind(void 0, [
		"aud",
		"exp",
		"iat",
		"iss",
		"sub",
		...requiredClaims
	])).then(validateIssuer.bind(void 0, as)).then(validateAudience.bind(void 0, client.client_id)).then(validateStringClaim.bind(void 0, "sub"));
}
function resolveIdTokenMaxAge(client, maxAge) {
	if (maxAge === skipAuthTimeCheck) return maxAge;
	const fromClient = maxAge === void 0;
	if (fromClient) maxAge = client.default_max_age;
	if (maxAge === void 0) return skipAuthTimeCheck;
	assertNumber(maxAge, true, fromClient ? "\"client.default_max_age\"" : "\"maxAge\" argument");
	return maxAge;
}
function validateIdTokenAuthTimeClaim(claims) {
	if (claims.auth_time !== void 0) assertNumber(claims.auth_time, true, "ID Token \"auth_time\" (authentication time)", INVALID_RESPONSE, { claims });
}
function validateIdTokenAuthTime(client, claims, maxAge) {
	if (maxAge === skipAuthTimeCheck) return;
	const now = epochTime() + getClockSkew(client);
	const tolerance = getClockTolerance(client);
	if (claims.auth_time + maxAge < now - tolerance) throw OPE("too much time has elapsed since the last End-User authentication", JWT_TIMESTAMP_CHECK, {
		claims,
		now,
		tolerance,
		claim: "auth_time"
	});
}
function validateIdTokenNonce(claims, expectedNonce) {
	const expected = expectedNonce === expectNoNonce ? void 0 : expectedNonce;
	if (claims.nonce !== expected) throw OPE("unexpected ID Token \"nonce\" claim value", JWT_CLAIM_COMPARISON, {
		expected,
		claims,
		claim: "nonce"
	});
}
function validateIdTokenAuthorizedParty(client, claims) {
	if (Array.isArray(claims.aud) && claims.aud.length !== 1) {
		if (claims.azp === void 0) throw OPE("ID Token \"aud\" (audience) claim includes additional untrusted audiences", JWT_CLAIM_COMPARISON, {
			claims,
			claim: "aud"
		});
		if (claims.azp !== client.client_id) throw OPE("unexpected ID Token \"azp\" (authorized party) claim value", JWT_CLAIM_COMPARISON, {
			expected: client.client_id,
			claims,
			claim: "azp"
		});
	}
}
var expectNoNonce = Symbol();
var skipAuthTimeCheck = Symbol();
async function processAuthorizationCodeResponse(as, client, response, options) {
	if (typeof options?.expectedNonce === "string" || typeof options?.maxAge === "number" || options?.requireIdToken) return processAuthorizationCodeOpenIDResponse(as, client, response, options.expectedNonce, options.maxAge, options[jweDecrypt], options.recognizedTokenTypes);
	return processAuthorizationCodeOAuth2Response(as, client, response, options?.maxAge, options?.[jweDecrypt], options?.recognizedTokenTypes);
}
async function processAuthorizationCodeOpenIDResponse(as, client, response, expectedNonce, maxAge, decryptFn, recognizedTokenTypes) {
	const additionalRequiredClaims = [];
	switch (expectedNonce) {
		case void 0:
			expectedNonce = expectNoNonce;
			break;
		case expectNoNonce: break;
		default:
			assertString(expectedNonce, "\"expectedNonce\" argument");
			additionalRequiredClaims.push("nonce");
	}
	maxAge = resolveIdTokenMaxAge(client, maxAge);
	if (maxAge !== skipAuthTimeCheck) additionalRequiredClaims.push("auth_time");
	const result = await processGenericAccessTokenResponse(as, client, response, additionalRequiredClaims, decryptFn, recognizedTokenTypes);
	assertString(result.id_token, "\"response\" body \"id_token\" property", INVALID_RESPONSE, { body: result });
	const claims = getValidatedIdTokenClaims(result);
	validateIdTokenAuthTime(client, claims, maxAge);
	validateIdTokenNonce(claims, expectedNonce);
	return result;
}
async function processAuthorizationCodeOAuth2Response(as, client, response, maxAge, decryptFn, recognizedTokenTypes) {
	const result = await processGenericAccessTokenResponse(as, client, response, void 0, decryptFn, recognizedTokenTypes);
	const claims = getValidatedIdTokenClaims(result);
	if (claims) {
		validateIdTokenAuthTime(client, claims, resolveIdTokenMaxAge(client, maxAge));
		validateIdTokenNonce(claims, expectNoNonce);
	}
	return result;
}
var WWW_AUTHENTICATE_CHALLENGE = "OAUTH_WWW_AUTHENTICATE_CHALLENGE";
var RESPONSE_BODY_ERROR = "OAUTH_RESPONSE_BODY_ERROR";
var UNSUPPORTED_OPERATION = "OAUTH_UNSUPPORTED_OPERATION";
var AUTHORIZATION_RESPONSE_ERROR = "OAUTH_AUTHORIZATION_RESPONSE_ERROR";
var PARSE_ERROR = "OAUTH_PARSE_ERROR";
var INVALID_RESPONSE = "OAUTH_INVALID_RESPONSE";
var RESPONSE_IS_NOT_JSON = "OAUTH_RESPONSE_IS_NOT_JSON";
var RESPONSE_IS_NOT_CONFORM = "OAUTH_RESPONSE_IS_NOT_CONFORM";
var HTTP_REQUEST_FORBIDDEN = "OAUTH_HTTP_REQUEST_FORBIDDEN";
var REQUEST_PROTOCOL_FORBIDDEN = "OAUTH_REQUEST_PROTOCOL_FORBIDDEN";
var JWT_TIMESTAMP_CHECK = "OAUTH_JWT_TIMESTAMP_CHECK_FAILED";
var JWT_CLAIM_COMPARISON = "OAUTH_JWT_CLAIM_COMPARISON_FAILED";
var JSON_ATTRIBUTE_COMPARISON = "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED";
var MISSING_SERVER_METADATA = "OAUTH_MISSING_SERVER_METADATA";
var INVALID_SERVER_METADATA = "OAUTH_INVALID_SERVER_METADATA";
function assertReadableResponse(response) {
	if (response.bodyUsed) throw CodedTypeError("\"response\" body has been used already", ERR_INVALID_ARG_VALUE);
}
async function validateJwt(jws, checkAlg, clockSkew, clockTolerance, decryptJwt) {
	let { 0: protectedHeader, 1: payload, length } = jws.split(".");
	if (length === 5) {
		if (decryptJwt !== void 0) {
			jws = await decryptJwt(jws);
			({0: protectedHeader, 1: payload, length} = jws.split("."));
		} else throw new UnsupportedOperationError("JWE decryption is not configured", { cause: jws });
	}
	if (length !== 3) throw OPE("Invalid JWT", INVALID_RESPONSE, jws);
	let header;
	try {
		header = JSON.parse(buf(b64u(protectedHeader)));
	} catch (cause) {
		throw OPE("failed to parse JWT Header body as base64url encoded JSON", PARSE_ERROR, cause);
	}
	if (!isJsonObject(header)) throw OPE("JWT Header must be a top level object", INVALID_RESPONSE, jws);
	checkAlg(header);
	if (header.crit !== void 0) throw new UnsupportedOperationError("no JWT \"crit\" header parameter extensions are supported", { cause: { header } });
	let claims;
	try {
		claims = JSON.parse(buf(b64u(payload)));
	} catch (cause) {
		throw OPE("failed to parse JWT Payload body as base64url encoded JSON", PARSE_ERROR, cause);
	}
	if (!isJsonObject(claims)) throw OPE("JWT Payload must be a top level object", INVALID_RESPONSE, jws);
	const now = epochTime() + clockSkew;
	if (claims.exp !== void 0) {
		if (typeof claims.exp !== "number") throw OPE("unexpected JWT \"exp\" (expiration time) claim type", INVALID_RESPONSE, { claims });
		if (claims.exp <= now - clockTolerance) throw OPE("unexpected JWT \"exp\" (expiration time) claim value, expiration is past current timestamp", JWT_TIMESTAMP_CHECK, {
			claims,
			now,
			tolerance: clockTolerance,
			claim: "exp"
		});
	}
	if (claims.iat !== void 0) {
		if (typeof claims.iat !== "number") throw OPE("unexpected JWT \"iat\" (issued at) claim type", INVALID_RESPONSE, { claims });
	}
	if (claims.iss !== void 0) {
		if (typeof claims.iss !== "string") throw OPE("unexpected JWT \"iss\" (issuer) claim type", INVALID_RESPONSE, { claims });
	}
	if (claims.nbf !== void 0) {
		if (typeof claims.nbf !== "number") throw OPE("unexpected JWT \"nbf\" (not before) claim type", INVALID_RESPONSE, { claims });
		if (claims.nbf > now + clockTolerance) throw OPE("unexpected JWT \"nbf\" (not before) claim value", JWT_TIMESTAMP_CHECK, {
			claims,
			now,
			tolerance: clockTolerance,
			claim: "nbf"
		});
	}
	if (claims.aud !== void 0) {
		if (typeof claims.aud !== "string" && !Array.isArray(claims.aud)) throw OPE("unexpected JWT \"aud\" (audience) claim type", INVALID_RESPONSE, { claims });
	}
	return {
		header,
		claims,
		jwt: jws
	};
}
function checkSigningAlgorithm(client, issuer, fallback, header) {
	if (client !== void 0) {
		if (typeof client === "string" ? header.alg !== client : !client.includes(header.alg)) throw OPE("unexpected JWT \"alg\" header parameter", INVALID_RESPONSE, {
			header,
			expected: client,
			reason: "client configuration"
		});
		return;
	}
	if (Array.isArray(issuer)) {
		if (!issuer.includes(header.alg)) throw OPE("unexpected JWT \"alg\" header parameter", INVALID_RESPONSE, {
			header,
			expected: issuer,
			reason: "authorization server metadata"
		});
		return;
	}
	if (fallback !== void 0) {
		if (typeof fallback === "string" ? header.alg !== fallback : typeof fallback === "function" ? !fallback(header.alg) : !fallback.includes(header.alg)) throw OPE("unexpected JWT \"alg\" header parameter", INVALID_RESPONSE, {
			header,
			expected: fallback,
			reason: "default value"
		});
		return;
	}
	throw OPE("missing client or server configuration to verify used JWT \"alg\" header parameter", void 0, {
		client,
		issuer,
		fallback
	});
}
function getURLSearchParameter(parameters, name) {
	const { 0: value, length } = parameters.getAll(name);
	if (length > 1) throw OPE(`"${name}" parameter must be provided only once`, INVALID_RESPONSE);
	return value;
}
var skipStateCheck = Symbol();
var expectNoState = Symbol();
function validateAuthResponse(as, client, parameters, expectedState) {
	assertAs(as);
	assertClient(client);
	if (parameters instanceof URL) parameters = parameters.searchParams;
	if (!(parameters instanceof URLSearchParams)) throw CodedTypeError("\"parameters\" must be an instance of URLSearchParams, or URL", ERR_INVALID_ARG_TYPE);
	if (getURLSearchParameter(parameters, "response")) throw OPE("\"parameters\" contains a JARM response, use validateJwtAuthResponse() instead of validateAuthResponse()", INVALID_RESPONSE, { parameters });
	const iss = getURLSearchParameter(parameters, "iss");
	const state = getURLSearchParameter(parameters, "state");
	if (!iss && as.authorization_response_iss_parameter_supported) throw OPE("response parameter \"iss\" (issuer) missing", INVALID_RESPONSE, { parameters });
	if (iss && iss !== as.issuer) throw OPE("unexpected \"iss\" (issuer) response parameter value", INVALID_RESPONSE, {
		expected: as.issuer,
		parameters
	});
	switch (expectedState) {
		case void 0:
		case expectNoState:
			if (state !== void 0) throw OPE("unexpected \"state\" response parameter encountered", INVALID_RESPONSE, {
				expected: void 0,
				parameters
			});
			break;
		case skipStateCheck: break;
		default:
			assertString(expectedState, "\"expectedState\" argument");
			if (state !== expectedState) throw OPE(state === void 0 ? "response parameter \"state\" missing" : "unexpected \"state\" response parameter value", INVALID_RESPONSE, {
				expected: expectedState,
				parameters
			});
	}
	if (getURLSearchParameter(parameters, "error")) throw new AuthorizationResponseError("authorization response from the server is an error", { cause: parameters });
	const id_token = getURLSearchParameter(parameters, "id_token");
	const token = getURLSearchParameter(parameters, "token");
	if (id_token !== void 0 || token !== void 0) throw new UnsupportedOperationError("implicit and hybrid flows are not supported");
	return brand(new URLSearchParams(parameters));
}
async function getResponseJsonBody(response, check = assertApplicationJson) {
	let json;
	try {
		json = await response.json();
	} catch (cause) {
		check(response);
		throw OPE("failed to parse \"response\" body as JSON", PARSE_ERROR, cause);
	}
	if (!isJsonObject(json)) throw OPE("\"response\" body must be a top level object", INVALID_RESPONSE, { body: json });
	return json;
}
var _nodiscoverycheck = Symbol();
var _expectedIssuer = Symbol();
// src/session.ts
/** A token is renewed when it has this many milliseconds left, so that it does not expire on its way. */
var EARLY = 5e3;
/** What a sign-in has to know when the provider sends the browser back. */
var PENDING = "pending sign-in";
var Session = class {
	/** The name of who is signed in. */
	name;
	/** Whether tokens are refreshed by themselves. */
	automatic = true;
	#settings;
	#client;
	#changed;
	#tokens;
	#provider;
	#refreshing;
	constructor(settings, changed) {
		this.#settings = settings;
		this.#client = { client_id: settings.clientId };
		this.#changed = changed;
	}
	get token() {
		return this.#tokens?.access;
	}
	get expires() {
		return this.#tokens?.expires;
	}
	get canRefresh() {
		return this.#tokens?.refresh !== void 0;
	}
	/** Whether the token has expired, or is about to. */
	get isOld() {
		return this.expires !== void 0 && this.expires - EARLY <= Date.now();
	}
	/** Sends the browser to the provider. */
	async signIn() {
		const provider = await this.#discovered();
		if (!provider.authorization_endpoint) throw new Error("the provider has no authorization_endpoint");
		const verifier = generateRandomCodeVerifier();
		const state = generateRandomState();
		const nonce = generateRandomNonce();
		const to = new URL(provider.authorization_endpoint);
		const parameters = {
			...this.#settings.parameters,
			response_type: "code",
			client_id: this.#client.client_id,
			redirect_uri: here(),
			scope: this.#settings.scope,
			code_challenge: await calculatePKCECodeChallenge(verifier),
			code_challenge_method: "S256",
			state,
			nonce
		};
		for (const [name, value] of Object.entries(parameters)) to.searchParams.set(name, value);
		sessionStorage.setItem(PENDING, JSON.stringify({
			verifier,
			state,
			nonce
		}));
		location.assign(to);
	}
	/** Ends a sign-in that the provider has sent the browser back from. Whether there was one. */
	async cameBack() {
		const address = new URL(location.href);
		if (!address.searchParams.has("code") && !address.searchParams.has("error")) return false;
		history.replaceState(null, "", here());
		const pending = sessionStorage.getItem(PENDING);
		sessionStorage.removeItem(PENDING);
		if (!pending) throw new Error("This page did not begin that sign-in.");
		const { verifier, state, nonce } = JSON.parse(pending);
		const provider = await this.#discovered();
		const parameters = validateAuthResponse(provider, this.#client, address, state);
		const response = await authorizationCodeGrantRequest(provider, this.#client, None(), parameters, here(), verifier, this.#options());
		const answer = await processAuthorizationCodeResponse(provider, this.#client, response, {
			expectedNonce: nonce,
			requireIdToken: true
		});
		const claims = getValidatedIdTokenClaims(answer);
		this.#hold(answer);
		this.name = String(claims?.name ?? claims?.email ?? claims?.sub);
		this.#changed();
		return true;
	}
	/** Renews the token. A refresh token is used once, so all who ask in the meantime wait for the same one. */
	refresh() {
		this.#refreshing ??= this.#refreshed().finally(() => {
			this.#refreshing = void 0;
		});
		return this.#refreshing;
	}
	signOut() {
		this.#tokens = void 0;
		this.name = void 0;
		this.#changed();
	}
	async #refreshed() {
		const before = this.#tokens;
		if (!before?.refresh) return "impossible";
		try {
			const provider = await this.#discovered();
			const response = await refreshTokenGrantRequest(provider, this.#client, None(), before.refresh, this.#options());
			const answer = await processRefreshTokenResponse(provider, this.#client, response);
			if (this.#tokens !== before) return "impossible";
			this.#hold(answer, before.refresh);
			this.#changed();
			return "refreshed";
		} catch (error) {
			if (!(error instanceof ResponseBodyError)) return "unreachable";
			if (this.#tokens === before) this.signOut();
			return "ended";
		}
	}
	#hold(answer, refresh) {
		const lasts = answer.expires_in;
		this.#tokens = {
			access: answer.access_token,
			refresh: answer.refresh_token ?? refresh,
			expires: lasts === void 0 ? void 0 : Date.now() + lasts * 1e3
		};
	}
	async #discovered() {
		if (!this.#provider) {
			const issuer = new URL(this.#settings.issuer);
			const response = await discoveryRequest(issuer, {
				algorithm: "oidc",
				...this.#options()
			});
			this.#provider = await processDiscoveryResponse(issuer, response);
		}
		return this.#provider;
	}
	/** A provider on this machine may do without TLS, and no other. */
	#options() {
		const { hostname } = new URL(this.#settings.issuer);
		return { [allowInsecureRequests]: [
			"127.0.0.1",
			"localhost",
			"[::1]"
		].includes(hostname) };
	}
};
/** Where the provider sends the browser back to: this page. */
function here() {
	return location.origin + location.pathname;
}
// src/settings.ts
async function settings() {
	const response = await fetch("settings.json", { cache: "no-store" });
	if (!response.ok) throw new Error(`settings.json: ${response.status}`);
	const read = await response.json();
	for (const name of [
		"issuer",
		"clientId",
		"scope"
	]) if (typeof read[name] !== "string" || !read[name]) throw new Error(`settings.json: ${name} is missing`);
	if (!read.apis?.movies && !read.apis?.pets) throw new Error("settings.json: apis names no API");
	return {
		parameters: {},
		...read
	};
}
// src/shelf.ts
function shelf(ask) {
	const places = [{
		button: "movies",
		path: "/movie",
		list: "movies"
	}, {
		button: "devices",
		path: "/device",
		list: "devices"
	}];
	for (const { button, path, list } of places) byId(button).addEventListener("click", async () => {
		const place = byId(`${button}-result`);
		place.setAttribute("aria-busy", "true");
		const answer = await ask("GET", path);
		place.replaceChildren(outcome(answer, "Allowed"));
		if (answer.status === 200) place.append(items(answer, list));
		place.removeAttribute("aria-busy");
	});
	return { clear: () => places.forEach(({ button }) => byId(`${button}-result`).replaceChildren()) };
}
/** What the API lists. The sample API of the template answers with who asked instead. */
function items({ document }, list) {
	const found = document[list];
	return element("ul", { class: "items" }, ...(Array.isArray(found) ? found.map((item) => Object.values(item)) : Object.entries(document)).map(([first, second]) => element("li", {}, element("span", {}, String(first)), element("span", { class: "soft" }, shown(second)))));
}
function shown(value) {
	if (value === true) return "on";
	if (value === false) return "off";
	return typeof value === "object" ? JSON.stringify(value) : String(value);
}
// src/main.ts
/** As many lines as the page remembers. */
var MOST_LINES = 50;
/** The claims that the stories are about. */
var TOLD = [
	"iss",
	"aud",
	"sub",
	"scope",
	"email",
	"https://pets.example.com/connection"
];
var REFRESHED = {
	refreshed: "The provider gave a new token for the refresh token.",
	ended: "The provider refused the refresh token. Sign in again.",
	unreachable: "The provider cannot be reached. You stay signed in: try again later.",
	impossible: "There is no refresh token."
};
function line(text, kind) {
	const time = (/* @__PURE__ */ new Date()).toLocaleTimeString([], { hour12: false });
	const lines = byId("lines");
	lines.prepend(element("li", { class: kind }, element("time", {}, time), " ", element("span", {}, text)));
	while (lines.children.length > MOST_LINES) lines.lastElementChild?.remove();
	byId("quiet").hidden = true;
}
var reports = {
	refreshed(outcome) {
		line(REFRESHED[outcome], outcome === "refreshed" ? "good" : "trouble");
		notice(outcome === "refreshed" ? "" : REFRESHED[outcome]);
	},
	answered(method, path, answer) {
		const { kind, title } = meaning(answer);
		line(`${method} ${path.split("?")[0]} – ${answer.status || "no answer"}, ${title.toLowerCase()}`, kind);
	}
};
function notice(text) {
	byId("notice").textContent = text;
}
/** What went wrong at the provider, in words. */
function fault(error) {
	const code = error instanceof Error && "code" in error ? error.code : void 0;
	if (error instanceof TypeError && code === void 0) return "The provider cannot be reached. Try again later.";
	if (code === "OAUTH_RESPONSE_IS_NOT_CONFORM") return "The provider does not answer as it should. Try again later.";
	return `The sign-in did not succeed. ${(error instanceof Error && "error_description" in error ? error.error_description : void 0) ?? (error instanceof Error ? error.message : "")}`.trim();
}
function shownSession(session) {
	const { token, name } = session;
	byId("who").textContent = name ?? "Not signed in";
	document.body.classList.toggle("signed-in", token !== void 0);
	byId("sign-in").textContent = token ? "Switch user" : "Sign in";
	byId("sign-out").hidden = token === void 0;
	byId("token").hidden = token === void 0;
	byId("no-token").hidden = token !== void 0;
	byId("refresh").disabled = !session.canRefresh;
	const facts = token ? Object.entries(claims(token)).filter(([name]) => TOLD.includes(name)) : [];
	const key = token ? keyOf(token) : "";
	byId("claims").replaceChildren(...[...facts, ...key ? [["signed by", key]] : []].flatMap(([name, value]) => [element("dt", {}, String(name).split("/").at(-1) ?? ""), element("dd", {}, typeof value === "string" ? value : JSON.stringify(value))]));
}
/** How long the token is valid. */
function shownTime(session) {
	const left = session.expires === void 0 ? void 0 : Math.ceil((session.expires - Date.now()) / 1e3);
	const clock = byId("left");
	clock.classList.toggle("over", left !== void 0 && left <= 0);
	if (left === void 0) clock.textContent = session.token ? "valid as long as the provider says" : "";
	else clock.textContent = left > 0 ? `valid for ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "expired";
}
async function started() {
	let found;
	try {
		found = await settings();
	} catch (error) {
		notice(error instanceof Error ? error.message : "settings.json cannot be read");
		return;
	}
	const stories = [];
	let name;
	const session = new Session(found, () => {
		shownSession(session);
		shownTime(session);
		if (session.name !== name) stories.forEach((story) => story.clear());
		name = session.name;
	});
	const asking = (api) => (method, path, body) => call(session, reports, api.replace(/\/$/, ""), method, path, body);
	for (const [id, api, story] of [[
		"story-movies",
		found.apis.movies,
		shelf
	], [
		"story-pets",
		found.apis.pets,
		pets
	]]) {
		byId(id).hidden = !api;
		if (api) stories.push(story(asking(api)));
	}
	if (found.inspector) {
		byId("inspector").href = found.inspector;
		byId("inspect").hidden = false;
	}
	byId("sign-in").addEventListener("click", async () => {
		notice("");
		try {
			await session.signIn();
		} catch (error) {
			notice(fault(error));
			line("The sign-in could not begin.", "trouble");
		}
	});
	byId("sign-out").addEventListener("click", () => {
		session.signOut();
		line("Signed out.", "good");
		byId("sign-in").focus();
	});
	byId("refresh").addEventListener("click", async () => reports.refreshed(await session.refresh()));
	byId("automatic").addEventListener("change", (event) => {
		session.automatic = event.target.checked;
	});
	setInterval(() => shownTime(session), 500);
	shownSession(session);
	try {
		if (await session.cameBack()) line(`Signed in as ${session.name}.`, "good");
	} catch (error) {
		notice(fault(error));
		line("The sign-in did not succeed.", "trouble");
	}
	document.body.dataset["ready"] = "true";
}
started();
