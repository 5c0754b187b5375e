/*
 * pages/tokens.js - the bearer tokens of programs
 */
import { api, path } from "../api.js";
import { fill, h } from "../dom.js";
import { areFilled, clearErrors, selectField, showProblem, textField }
	from "../forms.js";
import { time } from "../format.js";
import { isAdmin, session } from "../session.js";
import { badge, button, confPlace, confirm, copyable, dialog, empty, note,
	pageHead, panel, table, toast } from "../ui.js";

const tenant = () => ({ tenant_id: session.tenant });

const scopes = [
	["ingest", "ingest: post events"],
	["metrics", "metrics: the figures of the daemon, for Prometheus"],
	["read", "read: see everything of the tenant"],
	["manage", "manage: see and change everything of the tenant"],
	["admin", "admin: everything, for every tenant"],
];

/* Only an admin may give them. */
const ofDaemon = new Set(["metrics", "admin"]);

/* The one time that a token is seen. */
function showToken(made) {
	return dialog(`Token ${made.name}`, (close) => ({
		body: [
			note("warn", "Copy it now: it is not shown again. belfry keeps a hash of it only."),
			copyable(made.token, "The token"),
			h("p", { class: "help" }, "A program sends it as ",
				h("code", "Authorization: Bearer …"), "."),
		],
		foot: [button("Done", () => close(), { kind: "primary" })],
	}), { wide: true });
}

/* Asks for name, scope and rate, and makes one. Resolves with the answer. */
function askToken() {
	const name = textField("/name", "Name", { required: true,
		spellcheck: "false", help: "What will use it: ci, shop, cron." });
	const scope = selectField("/scope", "May",
		scopes.filter(([key]) => !ofDaemon.has(key) || isAdmin()));
	const rate = textField("/rate", "Rate", { optional: true,
		spellcheck: "false", placeholder: "100/s burst=200",
		help: "How many requests may be made with it; off: any number. Empty: what the conf file gives every token." });
	const fields = [name, scope, rate];
	const problem = h("div", { "aria-live": "polite" });

	return dialog("Create a token", (close) => {
		const create = button("Create", async () => {
			clearErrors(fields);
			fill(problem);
			if (!areFilled(fields))
				return;
			try {
				close(await api.post("/v1/tokens", {
					name: name.value().trim(), scope: scope.value(),
					rate: rate.value().trim() || undefined,
					...tenant() }));
			} catch (err) {
				if (err.name !== "Problem")
					throw err;
				if (!showProblem(err, fields))
					fill(problem, note("bad", err.message));
			}
		}, { kind: "primary" });

		return {
			body: [problem, h("div", { class: "fields" },
				fields.map(({ node }) => node))],
			foot: [button("Cancel", () => close()), create],
		};
	}, { wide: true });
}

function tokenRow(token, refresh) {
	const revoke = async () => {
		if (!await confirm(`Revoke ${token.name}?`,
			"Whoever uses it is refused from then on.",
			"Revoke"))
			return;
		await api.remove(path`/v1/tokens/${token.id}`, tenant());
		toast(`${token.name} is revoked`);
		await refresh();
	};

	return [
		h("strong", { class: "break" }, token.name),
		badge(token.scope),
		token.rate === "off" ? "no limit"
			: h("span", { class: "nowrap" }, token.rate),
		token.file ? confPlace(token)
			: token.created_at ? time(token.created_at) : "",
		h("div", { class: "row-actions" }, token.file ? null
			: button("Revoke…", revoke, { kind: "danger",
				"aria-label": `Revoke ${token.name}` })),
	];
}

async function open(context) {
	const list = h("div");
	const refresh = async () => {
		const tokens = await api.all("/v1/tokens", "tokens", tenant(),
			{ signal: context.signal });
		const own = tokens.filter((token) =>
			token.tenant_id === session.tenant);

		fill(list, own.length === 0
			? empty("No tokens yet: programs need one to post events.")
			: table("Tokens", [
				{ label: "Name" }, { label: "Scope" },
				{ label: "Rate" }, { label: "Created" },
				{ label: "Actions", hidden: true, class: "end" },
			], own.map((token) => tokenRow(token, refresh)),
			{ cards: true }));
	};
	const create = button("Create token…", async () => {
		const made = await askToken();

		if (!made)
			return;
		await showToken(made);
		await refresh();
	}, { kind: "primary", picture: "plus" });

	await refresh();
	fill(context.root,
		pageHead("Tokens", {
			lead: "What programs use the API with, in place of a password.",
			actions: [create] }),
		panel("Tokens of this tenant", {}, list));
}

export default {
	path: "/tokens", title: "Tokens", open, scope: "manage",
	nav: { label: "Tokens", picture: "key", group: "Administration" },
};
