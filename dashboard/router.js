/*
 * router.js - from the address to a page
 *
 * Addresses are hashes: #/deliveries/dlv_1?state=failed. A page is a module with
 *
 *   path    "/deliveries/{id}"
 *   title   what stands in the window's title and the navigation
 *   open    async (context) => {}: fills context.root
 *
 * context has root (an element), params and query (URLSearchParams) of the
 * address, signal (aborted when the page is left), setTitle(text), and
 * guard(isDirty): while isDirty() is true, the user is asked before the page is
 * left. restart() draws everything again, signedOut() shows the sign-in.
 */

/* "#/a/b?c=d" -> { path: "/a/b", query }. */
export function parseHash(hash) {
	const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);

	return { path: path || "/", query: new URLSearchParams(query) };
}

function decode(part) {
	try {
		return decodeURIComponent(part);
	} catch {
		return part; /* a per cent sign that encodes nothing */
	}
}

function match(pattern, path) {
	const wanted = pattern.split("/"), parts = path.split("/");
	const params = {};

	if (wanted.length !== parts.length)
		return null;
	for (const [i, word] of wanted.entries()) {
		if (/^\{.*\}$/.test(word) && parts[i] !== "")
			params[word.slice(1, -1)] = decode(parts[i]);
		else if (word !== parts[i])
			return null;
	}
	return params;
}

/* The page of an address and its params, or null. */
export function findPage(pages, path) {
	for (const page of pages) {
		const params = match(page.path, path);

		if (params)
			return { page, params };
	}
	return null;
}

/* link`/channels/${name}`: an address with its parts encoded. */
export function link(texts, ...values) {
	return "#" + texts.reduce((whole, text, i) =>
		whole + encodeURIComponent(values[i - 1]) + text);
}

/* Writes parameters into the address without opening the page again, so that a
 * filter survives a reload and can be passed on. */
export function keepQuery(query) {
	const { path } = parseHash(location.hash);
	const parameters = new URLSearchParams();

	for (const [name, value] of Object.entries(query)) {
		if (value)
			parameters.set(name, value);
	}
	history.replaceState(null, "",
	    `#${path}${parameters.size > 0 ? `?${parameters}` : ""}`);
}
