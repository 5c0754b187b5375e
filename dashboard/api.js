/*
 * api.js - requests to the daemon
 *
 * The session is the cookie's; a change carries the token of api.csrf too
 * (doc/manual/api.md). What is refused is thrown as a Problem (RFC 9457), and so is
 * a daemon that does not answer.
 */

export class Problem extends Error {
	/* document: the problem's members; retryAfter: seconds, or null. */
	constructor(document, retryAfter = null) {
		super(document.detail || document.title || "it did not work");
		this.name = "Problem";
		this.status = document.status || 0;
		this.type = (document.type || "").replace("urn:belfry:problem:",
		    "");
		this.title = document.title || "";
		this.field = document.field || null;
		this.document = document;
		this.retryAfter = retryAfter;
	}
}

/* What the page shares: the session's token against forged requests, and who
 * wants to know that the session has ended. */
export const api = {
	csrf: null,
	onSignedOut: () => {},
	request, get, all, post, put, patch, remove, follow,
};

/* "/v1/channels/" + a name, encoded: path`/v1/channels/${name}`. */
export function path(texts, ...values) {
	return texts.reduce((whole, text, i) =>
		whole + encodeURIComponent(values[i - 1]) + text);
}

function address(path, query) {
	const parameters = new URLSearchParams();

	for (const [name, value] of Object.entries(query || {})) {
		if (value !== null && value !== undefined && value !== "")
			parameters.set(name, value);
	}
	return parameters.size > 0 ? `${path}?${parameters}` : path;
}

async function send(method, path, { query, body, etag, signal }) {
	const headers = { Accept: "application/json" };

	if (method !== "GET" && api.csrf)
		headers["X-CSRF-Token"] = api.csrf;
	if (body !== undefined)
		headers["Content-Type"] = "application/json";
	if (etag)
		headers["If-Match"] = etag;
	try {
		const response = await fetch(address(path, query), { method, headers,
			signal,
			body: body === undefined ? undefined : JSON.stringify(body),
			credentials: "same-origin", cache: "no-store" });

		return { response, text: await response.text() };
	} catch (err) {
		if (signal && signal.aborted)
			throw err;
		throw new Problem({ type: "unreachable", title: "No answer",
			detail: "belfry does not answer; is it running, and the network up?" });
	}
}

function problemOf(response, text) {
	const wait = Number(response.headers.get("Retry-After"));
	let document = {};

	try {
		document = JSON.parse(text);
	} catch {
		/* a proxy's page, say; the status is what is known */
	}
	return new Problem({ title: response.statusText,
		detail: `answered with status ${response.status}`, ...document,
		status: response.status }, wait > 0 ? wait : null);
}

/*
 * Makes a request.
 *
 * query   parameters; null, undefined and "" are left out
 * body    sent as JSON, if there
 * etag    the change is made only if the thing still has it (If-Match)
 * signal  ends it, as the one of a page does when it is left
 *
 * Answers { body, etag, status }; throws a Problem, or the signal's error.
 */
async function request(method, path, options = {}) {
	const { response, text } = await send(method, path, options);

	if (!response.ok) {
		const problem = problemOf(response, text);

		if (problem.status === 401 && !path.startsWith("/v1/session"))
			api.onSignedOut();
		throw problem;
	}
	return { body: text ? JSON.parse(text) : null, status: response.status,
		etag: response.headers.get("ETag") };
}

/* The usual requests; each answers the body alone. */
async function get(path, query, options) {
	return (await request("GET", path, { query, ...options })).body;
}

/* A list that comes in pages, whole: the items of all of them, which each has
 * as the member of that name. */
async function all(path, name, query, options) {
	const items = [];
	let after = null;

	do {
		const page = await get(path, { ...query, after }, options);

		items.push(...page[name]);
		after = page.next;
	} while (after);
	return items;
}

async function post(path, body, options) {
	return (await request("POST", path, { body, ...options })).body;
}

async function put(path, body, options) {
	return (await request("PUT", path, { body, ...options })).body;
}

async function patch(path, body, options) {
	return (await request("PATCH", path, { body, ...options })).body;
}

async function remove(path, query, options) {
	return (await request("DELETE", path, { query, ...options })).body;
}

/*
 * Reads a stream of server-sent events, and opens it again when it breaks.
 *
 * listener  called with each event's JSON
 * state     called with true when the stream stands, false when it broke
 * signal    ends it
 */
function follow(path, { query, listener, state = () => {}, signal }) {
	const source = new EventSource(address(path, query));

	source.addEventListener("open", () => state(true));
	source.addEventListener("error", () => state(false));
	source.addEventListener("message",
	    (event) => listener(JSON.parse(event.data)));
	signal.addEventListener("abort", () => source.close());
}
