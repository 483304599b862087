"use strict";

const byId = (id) => document.getElementById(id);
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** What the server said last. */
let state = null;
let lastLine = 0;
const lines = [];
/** The answer to the last request that was sent here. */
let shown = null;
/** The configuration that is served, as the editor last took it over. */
let served = null;

/** An element with attributes and children; texts are only ever texts. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

async function ask(name, body) {
  const options = { headers: { "X-Authz-Page": "1" }, cache: "no-store" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(`/__authorizer/api/${name}`, options);
  const text = await response.text();
  let answer;
  try { answer = JSON.parse(text); } catch { throw new Error(text.trim()); }
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

/* ---- What the server says, every two seconds ---- */

async function refresh() {
  try {
    const first = state === null;
    state = await ask(`state?after=${lastLine}`);
    byId("connection").textContent = "";
    lastLine = state.log.last;
    for (const line of state.log.lines) lines.unshift(line);
    lines.length = Math.min(lines.length, 300);
    if (first) start();
    showServer();
    describeToken();
    showCache();
    showIssuer();
    if (state.log.lines.length > 0 || first) showLog();
    if (served !== state.configuration.text) takeOver();
  } catch (error) {
    byId("connection").textContent = "The gateway does not answer.";
  }
}

function start() {
  fillRoutes();
  fillUsers();
  showVerdict();
  showMatrix();
  if (state.issuer && state.issuer.users.length > 0) mint();
}

function showServer() {
  const backend = { echo: "requests that pass are echoed", demo: "with the sample stories behind it" }[state.backend] || `in front of ${state.backend}`;
  byId("where").textContent = `${state.address}, ${backend}`;
  byId("stories").hidden = !state.app;
  if (state.app) byId("stories").firstElementChild.href = state.app;
}

function fillRoutes() {
  const options = [element("option", { value: "" }, "Choose a route")];
  for (const route of state.routes) {
    for (const method of route.methods) {
      options.push(element("option", { value: `${method} ${route.path}` }, `${method} ${route.path}`));
    }
  }
  byId("route").replaceChildren(...options);
  if (options.length > 1) {
    byId("route").value = options[1].value;
    chooseRoute();
  }
}

function chooseRoute() {
  const [method, path] = byId("route").value.split(" ");
  if (!path) return;
  byId("method").value = method;
  // A parameter stands for one segment, and one with a plus for the rest.
  byId("path").value = path.replace(/\{[^}]*\+\}/g, "any/path").replace(/\{[^}]*\}/g, ownText);
  const body = state.demo ? DEMO_BODIES[byId("route").value] : undefined;
  byId("body").value = body || "";
  byId("body-box").open = Boolean(body);
}

/** The request body that the store of the sample stories expects. */
const DEMO_BODIES = {
  "POST /pets": '{ "name": "Moss the tortoise", "price": 60 }',
  "POST /pets/purchase": '{ "id": "00000000000000000000000000000001" }',
};

/** The signed-in user's own name is the likeliest text of a path's parameter. */
function ownText() {
  const user = chosenUser();
  return user && user.claims ? String(user.claims.sub) : "any";
}

function fillUsers() {
  if (!state.issuer) return;
  byId("mint").hidden = false;
  const groups = new Map();
  for (const user of state.issuer.users) {
    if (!groups.has(user.issuer)) groups.set(user.issuer, []);
    groups.get(user.issuer).push(element("option", { value: user.id }, user.about ? `${user.name} (${user.about})` : user.name));
  }
  const chosen = byId("user").value;
  const made = [...groups].map(([issuer, options]) => element("optgroup", { label: issuer }, ...options));
  byId("user").replaceChildren(...made, element("option", { value: "" }, "Nobody (no token, or a pasted one)"));
  if (state.issuer.users.some((user) => user.id === chosen)) byId("user").value = chosen;
}

function chosenUser() {
  return state.issuer ? state.issuer.users.find((user) => user.id === byId("user").value) : undefined;
}

/* ---- The request ---- */

async function mint(claims) {
  const user = chosenUser();
  fault("");
  if (!user) {
    byId("token").value = "";
    describeToken();
    return;
  }
  if (!claims) byId("claims").value = JSON.stringify(user.claims, null, 2);
  try {
    const answer = await ask("mint", { user: user.id, claims: claims || null, seconds: Number(byId("validity").value) });
    byId("token").value = answer.token;
    describeToken();
  } catch (error) {
    fault(error.message);
  }
}

/** What a token says of itself. Nothing is verified here. */
function describeToken() {
  const text = byId("token").value.trim().split(/\s+/).pop();
  const says = byId("token-says");
  if (!text) {
    says.textContent = "The request has no token.";
    return;
  }
  try {
    const part = text.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    const ends = typeof claims.exp === "number" ? ` ${claims.exp * 1000 < Date.now() ? "Expired" : "Valid until"} ${new Date(claims.exp * 1000).toLocaleTimeString()}.` : "";
    says.textContent = `It says: sub ${JSON.stringify(claims.sub)}, iss ${JSON.stringify(claims.iss)}.${ends}`;
  } catch {
    says.textContent = "This is not a JWT that can be read here.";
  }
}

function fault(text) {
  byId("request-fault").textContent = text;
}

async function send(event) {
  if (event) event.preventDefault();
  fault("");
  byId("send").disabled = true;
  try {
    const asked = { method: byId("method").value, path: byId("path").value, token: byId("token").value, body: byId("body").value };
    shown = { ...(await ask("send", asked)), asked };
    showVerdict();
    showMatrix();
    showSteps();
    showRaw();
    if (matchMedia("(max-width: 900px)").matches) {
      byId("result").focus({ preventScroll: true });
      byId("result").scrollIntoView();
    }
  } catch (error) {
    fault(error.message);
  }
  byId("send").disabled = false;
  refresh();
}

/* ---- The result ---- */

const PHRASES = { 200: "OK", 201: "Created", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 409: "Conflict", 414: "URI too long", 500: "Internal server error", 504: "Gateway timeout" };

function showVerdict() {
  const card = byId("verdict");
  if (!shown) {
    card.className = "card verdict";
    card.replaceChildren(
      element("h2", {}, "Send a request"),
      element("p", { class: "empty" }, "Choose a route and who asks. Here you see what the client gets, which step decided it, and what the same answer does to every other route."),
    );
    return;
  }
  const { status, gateway, explanation, asked } = shown;
  const decisive = gateway.steps.find((step) => !step.passed);
  const passed = !decisive;
  const preflight = passed && !gateway.verdict;
  card.className = `card verdict ${status < 400 ? "good" : "bad"}`;
  const chips = [];
  const chip = (text, kind) => chips.push(element("span", { class: `badge ${kind || ""}` }, text));
  if (gateway.asked === "cached") chip(`from the cache, ${gateway.age} s old`, "warn");
  if (gateway.asked === "invoked") chip("the authorizer was asked");
  if (gateway.asked === "not_asked") chip("the authorizer was not asked");
  if (gateway.verdict) chip(gateway.verdict.replace("_", " "), passed ? "good" : "bad");
  if (explanation.reason && gateway.asked !== "not_asked") chip(explanation.reason, "bad");
  const why = preflight ? "The gateway answers a CORS preflight itself, for everybody." : passed
    ? (shown.headers.some(([name]) => name === "x-amzn-errortype") ? "The request passed, but the backend gave no usable answer." : status < 400 ? "The request passed, and this is the backend's answer." : "The request passed. The backend answered with this status.")
    : decisive ? `The gateway stopped it at its step “${decisive.name}”: ${decisive.says}.` : "";
  byId("announce").textContent = `${status} ${PHRASES[status] || ""}: ${asked.method} ${asked.path}`;
  const children = [
    element("h2", { class: "hidden" }, "What the client sees"),
    element("div", { class: "status" }, element("span", { class: "number" }, String(status)), element("strong", {}, PHRASES[status] || ""), element("span", { class: "asked" }, `${asked.method} ${asked.path}`)),
    element("p", { class: "why" }, why),
    element("div", { class: "chips" }, ...chips),
  ];
  if (explanation.hint && !passed) {
    const place = explanation.hint.place ? ` Here: ${explanation.hint.place}.` : "";
    children.push(element("div", { class: "advice" }, element("strong", {}, `Hint: ${explanation.hint.code}`), element("p", {}, explanation.hint.advice + place)));
  }
  const refusing = explanation.steps.find((step) => step.outcome === "refused");
  if (refusing && !passed) {
    const title = gateway.asked === "invoked" ? "The step of the authorizer that refuses" : "The authorizer would refuse it at this step";
    children.push(element("h3", {}, title), element("ol", { class: "steps" }, stepOf(refusing)));
  }
  if (passed && shown.body) children.push(element("pre", { tabindex: "0" }, indented(shown.body)));
  card.replaceChildren(...children);
}

const MARKS = { passed: "✓", refused: "✕", not_reached: "–" };
const WORDS = { passed: "passed", refused: "refused", not_reached: "not reached" };

/** A step in a list. */
function item(outcome, name, detail) {
  const mark = element("span", { class: "mark" }, element("span", { "aria-hidden": "true" }, MARKS[outcome]), element("span", { class: "hidden" }, WORDS[outcome]));
  return element("li", { class: outcome }, mark, element("span", { class: "name" }, name), element("div", { class: "detail" }, detail));
}

/** A step of the authorizer, with the values that it compared. */
function stepOf(step) {
  const facts = element("dl", { class: "facts" });
  for (const [name, value] of step.facts) facts.append(element("dt", {}, name), element("dd", {}, value));
  if (step.reason) facts.append(element("dt", {}, "reason"), element("dd", {}, step.reason));
  return item(step.outcome, step.name, facts);
}

function showMatrix() {
  const table = byId("matrix");
  const about = byId("matrix-about");
  const legend = byId("matrix-legend");
  const matrix = shown && shown.matrix;
  const rows = matrix || byPath(state.routes);
  const used = METHODS.filter((method) => rows.some((row) => method in row.methods));
  const head = element("tr", {}, element("th", { scope: "col" }, "Route"), ...used.map((method) => element("th", { scope: "col", class: "method" }, method)), element("th", { scope: "col", class: "needs" }, "Needs"));
  let odd = false;
  const body = rows.map((row) => {
    const cells = used.map((method) => {
      const cell = row.methods[method];
      if (cell === undefined) return element("td", { class: "none" }, element("span", { "aria-hidden": "true" }, "·"), element("span", { class: "hidden" }, "no such method"));
      const now = shown && matrix && shown.asked.method === method && shown.gateway.resource === row.path;
      const differs = matrix && cell.rules !== null && cell.rules !== cell.passes;
      odd = odd || differs;
      const word = !matrix ? "try" : cell.preflight ? "preflight" : `${cell.passes ? "✓ allowed" : "✕ refused"}${differs ? " *" : ""}`;
      const kind = !matrix || cell.preflight ? "" : cell.passes ? "yes" : "no";
      const label = `${word}: ${method} ${row.path}${now ? ", this request" : ""}; sends it`;
      const choose = () => {
        byId("method").value = method;
        byId("route").value = `${method} ${row.path}`;
        chooseRoute();
        // A path that the token may have its own text in.
        if (row.sample) byId("path").value = row.sample;
        send();
      };
      return element("td", {}, element("button", { type: "button", class: `${kind}${now ? " now" : ""}`, "aria-label": label, onclick: choose }, word));
    });
    return element("tr", {}, element("th", { scope: "row" }, row.path), ...cells, element("td", { class: "needs" }, needsOf(row.path)));
  });
  table.replaceChildren(element("caption", { class: "hidden" }, "What the policy does to each route and method"), element("thead", {}, head), element("tbody", {}, ...body));
  if (rows.length === 0) {
    about.textContent = "The configuration declares no routes.";
  } else if (!shown) {
    about.textContent = "What the policy in force does to every route. Choose a cell to send that request.";
  } else if (!matrix) {
    about.textContent = "No policy is in force for this token, so nothing passes.";
  } else if (shown.gateway.asked === "cached") {
    about.textContent = `The policy from the cache, ${shown.gateway.age} s old: it decides every request with this token until it runs out.`;
  } else {
    about.textContent = state.cacheSeconds > 0
      ? `The new policy. The gateway keeps it for ${state.cacheSeconds} s and applies it to every request with this token.`
      : "The new policy. The cache is off, so the authorizer is asked for every request.";
  }
  legend.textContent = odd ? "* The rules say otherwise for this token now: the policy is older, or made for one request alone." : "";
}

/** What the routes of a path need, in a line. */
function needsOf(path) {
  const routes = state.routes.filter((route) => route.path === path);
  const texts = routes.map((route) => `${routes.length > 1 ? `${route.methods.join(" ")}: ` : ""}${route.needs.join(", or ")}`);
  return texts.join("; ");
}

function byPath(routes) {
  const rows = new Map();
  for (const route of routes) {
    if (!rows.has(route.path)) rows.set(route.path, { path: route.path, methods: {} });
    for (const method of route.methods) rows.get(route.path).methods[method] = {};
  }
  return [...rows.values()];
}

function showSteps() {
  byId("steps-card").hidden = false;
  byId("gateway-steps").replaceChildren(...shown.gateway.steps.map((step) => item(step.passed ? "passed" : "refused", step.name, step.says)));
  const { asked } = shown.gateway;
  byId("authorizer-title").textContent = { invoked: "The authorizer", cached: "The authorizer was not asked; now it would say", not_asked: "The authorizer was not asked; it would say" }[asked];
  byId("authorizer-steps").replaceChildren(...shown.explanation.steps.map(stepOf));
}

function showRaw() {
  byId("raw-card").hidden = false;
  const heads = shown.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  byId("client").textContent = `HTTP/1.1 ${shown.status} ${PHRASES[shown.status] || ""}\n${heads}\n\n${indented(shown.body)}`;
  byId("answer").textContent = shown.gateway.answer ? JSON.stringify(shown.gateway.answer, null, 2) : "The authorizer was not asked.";
}

function indented(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

/* ---- Cache, provider, log ---- */

function showCache() {
  const about = state.cacheSeconds === 0 ? "The cache is off." : state.cache.length === 0 ? `Nothing is kept. An answer would be kept for ${state.cacheSeconds} s, by its token.` : "";
  byId("cache-about").textContent = about;
  byId("flush").disabled = state.cache.length === 0;
  byId("cache").replaceChildren(...state.cache.map((entry) => element("li", {},
    element("div", { class: "who" }, element("span", {}, entry.principal), element("span", { class: "hint" }, `${entry.left} s left`)),
    element("progress", { max: state.cacheSeconds, value: entry.left, "aria-label": `${entry.left} seconds left` }),
    element("span", { class: "hint" }, `${entry.age} s old, from ${entry.first}, used ${entry.hits === 1 ? "once" : `${entry.hits} times`} since; token ${entry.token}…`),
  )));
}

function showIssuer() {
  byId("issuer").hidden = !state.issuer;
  if (!state.issuer) return;
  const { online, keys, url, tokenSeconds } = state.issuer;
  const badge = byId("issuer-state");
  badge.textContent = online ? "on" : "off";
  badge.className = `badge ${online ? "good" : "bad"}`;
  byId("issuer-about").textContent = `${url}; its tokens last ${tokenSeconds} s`;
  byId("keys").replaceChildren(...keys.map((kid, at) => element("li", {}, element("code", {}, kid), element("span", { class: `badge ${at === 0 ? "good" : ""}` }, at === 0 ? "signs" : "former"))));
  const outage = byId("outage");
  outage.dataset.action = online ? "offline" : "online";
  outage.textContent = online ? "Switch off" : "Switch on";
}

async function steer(event) {
  try {
    await ask("issuer", { action: event.currentTarget.dataset.action });
  } catch (error) {
    fault(error.message);
  }
  await refresh();
}

function showLog() {
  const all = byId("log-all").checked;
  const kept = lines.filter((line) => all || line.level !== "DEBUG");
  byId("log").replaceChildren(...kept.map((line) => {
    const { fields } = line;
    const time = element("time", { datetime: line.at }, line.at.slice(11, 23));
    let what;
    if (line.by === "gateway" && line.message === "request") {
      const asked = { invoked: "authorizer asked", cached: "from the cache", not_asked: "authorizer not asked" }[fields.authorizer];
      what = [element("span", { class: fields.status < 400 ? "good" : "bad" }, String(fields.status)), ` ${fields.method} ${fields.path} (${asked}, ${fields.duration_ms} ms)`];
    } else {
      const rest = Object.entries(fields).map(([name, value]) => `${name}=${value}`).join("  ");
      what = [element("span", { class: line.level === "ERROR" || line.level === "WARN" ? "bad" : "" }, line.message), ` ${rest}`];
    }
    return element("li", {}, time, element("span", { class: "by" }, line.by), element("span", { class: "what" }, ...what));
  }));
  if (kept.length === 0) byId("log").replaceChildren(element("li", { class: "empty" }, "Nothing has happened yet."));
}

/* ---- The configuration ---- */

function takeOver() {
  const changed = served !== null && byId("text").value !== served;
  served = state.configuration.text;
  byId("configuration-about").textContent = `From ${state.configuration.file}. What you change here is served from memory; the file is not written.`;
  // What somebody is typing is not lost.
  if (!changed) byId("text").value = served;
  fillRoutes();
  fillUsers();
  check();
}

let waiting = 0;
function edited() {
  clearTimeout(waiting);
  waiting = setTimeout(check, 250);
}

let checks = 0;
async function check() {
  const number = ++checks;
  const text = byId("text").value;
  try {
    const found = await ask("check", { text });
    // A slower answer to an older text says nothing any more.
    if (number === checks) showFindings(found, text);
  } catch (error) {
    byId("configuration-state").textContent = error.message;
  }
}

function showFindings(found, text) {
  const badge = byId("configuration-state");
  const count = found.mistakes.length;
  const changed = text !== served;
  badge.textContent = count > 0 ? `${count} mistake${count === 1 ? "" : "s"}` : changed ? "no mistakes, not served yet" : "served";
  badge.className = `badge ${count > 0 ? "bad" : changed ? "warn" : "good"}`;
  byId("apply").disabled = count > 0 || !changed;
  byId("revert").disabled = !changed;
  const item = (kind) => (issue) => {
    const place = placeOf(text, issue.path, issue.text);
    const name = place === null ? element("code", {}, issue.path) : element("button", { type: "button", onclick: () => go(place), "aria-label": `Go to ${issue.path}` }, issue.path);
    return element("li", { class: kind }, element("span", { class: "hidden" }, `${kind}: `), name, element("p", {}, issue.text));
  };
  const items = [...found.mistakes.map(item("mistake")), ...found.warnings.map(item("warning"))];
  if (items.length === 0) items.push(element("li", { class: "fine" }, "No mistakes and no warnings."));
  byId("findings").replaceChildren(...items);
  if (found.routes) {
    byId("meaning").replaceChildren(...found.routes.map((route) => element("li", {}, element("span", { class: "mono" }, `${route.methods.length === 7 ? "ANY" : route.methods.join(" ")} ${route.path}`), ...route.needs.map((need, at) => element("div", { class: "hint" }, `${at === 0 ? "needs" : "or"} ${need}`)))));
  }
}

/** Where a path such as `issuers[0].audience` stands in a JSON text; null if it is not found. */
function placeOf(text, path, says) {
  const line = /^line (\d+), column (\d+)/.exec(says);
  if (line) {
    const before = text.split("\n").slice(0, Number(line[1]) - 1).join("\n");
    return before.length + (Number(line[1]) > 1 ? 1 : 0) + Number(line[2]) - 1;
  }
  const wanted = path.replace(/\[(\d+)\]/g, ".$1").split(".").filter((part) => part !== "");
  let at = 0;
  let best = null;
  const space = () => { while (/\s/.test(text[at] || "")) at += 1; };
  const string = () => {
    const from = at;
    at += 1;
    while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at += 1;
    try { return JSON.parse(text.slice(from, at)); } catch { return ""; }
  };
  const value = (depth, matches) => {
    space();
    if (matches && (best === null || depth > best.depth)) best = { depth, at };
    if (text[at] === "{" || text[at] === "[") {
      const list = text[at] === "[";
      at += 1;
      for (let index = 0; at < text.length; index += 1) {
        space();
        if (text[at] === "}" || text[at] === "]") { at += 1; return; }
        let name = String(index);
        if (!list) {
          if (text[at] !== '"') { at = text.length; return; }
          name = string();
          space();
          at += 1;
        }
        value(depth + 1, matches && wanted[depth] === name);
        space();
        if (text[at] === ",") at += 1;
        else if (text[at] !== "}" && text[at] !== "]") { at = text.length; return; }
      }
    } else if (text[at] === '"') {
      string();
    } else {
      while (at < text.length && !/[\s,\]}]/.test(text[at])) at += 1;
    }
  };
  value(0, true);
  return best && best.depth > 0 ? best.at : null;
}

function go(place) {
  const editor = byId("text");
  editor.focus();
  const end = editor.value.indexOf("\n", place);
  editor.setSelectionRange(place, end < 0 ? editor.value.length : end);
  const line = editor.value.slice(0, place).split("\n").length;
  editor.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(editor).lineHeight));
}

async function apply() {
  const text = byId("text").value;
  try {
    const answer = await ask("apply", { text });
    if (answer.applied) {
      shown = null;
      showVerdict();
      byId("steps-card").hidden = true;
      byId("raw-card").hidden = true;
      served = text;
      await refresh();
      fillRoutes();
      fillUsers();
      showMatrix();
      mint();
    }
    showFindings({ ...answer, routes: state.routes }, text);
  } catch (error) {
    byId("configuration-state").textContent = error.message;
  }
}

function download() {
  const link = element("a", { href: URL.createObjectURL(new Blob([byId("text").value], { type: "application/json" })), download: "authorizer.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/* ---- Views ---- */

const tabs = [...document.querySelectorAll('[role="tab"]')];
function show(tab, focus) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  history.replaceState(null, "", `#${tab.id.replace("tab-", "")}`);
}
for (const tab of tabs) {
  tab.addEventListener("click", () => show(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) show(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length], true);
    if (event.key === "Home") show(tabs[0], true);
    if (event.key === "End") show(tabs[tabs.length - 1], true);
  });
}
const named = byId(`tab-${location.hash.slice(1)}`);
if (named) show(named);

byId("route").addEventListener("change", chooseRoute);
byId("user").addEventListener("change", () => mint());
byId("validity").addEventListener("change", () => mint());
byId("remint").addEventListener("click", () => {
  try { mint(JSON.parse(byId("claims").value)); } catch (error) { fault(`The claims are not JSON: ${error.message}`); }
});
byId("token").addEventListener("input", () => {
  byId("user").value = "";
  describeToken();
});
byId("request").addEventListener("submit", send);
byId("request").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
});
byId("flush").addEventListener("click", async () => { await ask("flush", {}); refresh(); });
for (const button of document.querySelectorAll("[data-action]")) button.addEventListener("click", steer);
byId("log-all").addEventListener("change", showLog);
byId("text").addEventListener("input", edited);
byId("apply").addEventListener("click", apply);
byId("revert").addEventListener("click", () => { byId("text").value = served; check(); });
byId("download").addEventListener("click", download);

refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 2000);
