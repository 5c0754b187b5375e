/*
 * pages/tenants.js - the tenants: whose things are shown, what each may have and uses
 */
import { api, path } from "../api.js";
import { fill, h } from "../dom.js";
import { areFilled, clearErrors, showProblem, textField } from "../forms.js";
import { bytes, count, parseBytes } from "../format.js";
import { chooseTenant, session } from "../session.js";
import { badge, button, confPlace, confirm, dialog, empty, note, pageHead,
	panel, table, toast } from "../ui.js";

const PAGE = 50;

const sources = {
	default: "the default", conf: "conf file", api: "made here",
	implied: "by its things",
};

/* What a tenant is called. */
export const tenantName = (tenant) => tenant.name ||
	(tenant.source === "default" ? "Default tenant" : tenant.id);

/* ---- limits ---- */

const limits = [
	{ name: "events_per_second", label: "Events a second",
		help: "More are answered 429." },
	{ name: "burst", label: "Burst",
		help: "How many may come at once; without it, those of a second." },
	{ name: "channels", label: "Channels" },
	{ name: "tokens", label: "Tokens" },
	{ name: "stored_bytes", label: "Stored bytes", size: true,
		help: "As 64m or 2g." },
];

/* null and 0 are none. */
const shown = ({ size }, value) => !value ? "no limit"
	: size ? bytes(value) : count(value);

const ofLimit = (limit, value, text) => value
	? `${text} of ${shown(limit, value)}` : text;

/* Used of how much, as a bar where there is a limit. */
function usage(label, used, limit, show = count) {
	return [
		h("dt", label),
		h("dd", show(used), limit
			? [" of ", show(limit), " ",
				h("meter", { min: 0, max: limit, value: used,
					low: limit * 0.8, high: limit * 0.95,
					optimum: 0,
					"aria-label": `${label}: ${show(used)} of ${
						show(limit)}` })]
			: h("span", { class: "muted" }, " (no limit)")),
	];
}

/* The limits that count for a tenant, and what it uses of them. */
export function tenantFacts(tenant) {
	const limit = tenant.effective_limits, used = tenant.usage;

	return h("dl", { class: "facts" },
		h("dt", "Events a second"),
		h("dd", shown({}, limit.events_per_second), limit.burst
			? `, ${count(limit.burst)} at once` : ""),
		usage("Channels", used.channels, limit.channels),
		usage("Tokens", used.tokens, limit.tokens),
		usage("Stored", used.stored_bytes, limit.stored_bytes, bytes),
		h("dt", "Events in the store"), h("dd", count(used.stored_events)),
		h("dt", "Deliveries that wait"), h("dd", count(used.waiting)));
}

/* ---- made and changed ---- */

function limitField(limit, tenant) {
	const field = textField(`/limits/${limit.name}`, limit.label, {
		help: limit.help, inputmode: limit.size ? null : "numeric",
		placeholder: tenant
			? `default (${shown(limit, tenant.effective_limits[limit.name])})`
			: "default" });
	const saved = tenant?.limits[limit.name];

	field.set(saved === null || saved === undefined ? ""
		: limit.size ? bytes(saved, true) : String(saved));
	/* What is no number is sent as it is: the answer says what is wrong. */
	field.json = () => {
		const text = field.value().trim();

		return text === "" ? null : limit.size ? parseBytes(text) ?? text
			: /^\d{1,15}$/.test(text) ? Number(text) : text;
	};
	return field;
}

function changedMeanwhile() {
	return note("warn", h("strong", "Somebody else has changed this tenant meanwhile."),
		" What you typed is still here; save again to replace theirs.");
}

/* Asks for name and limits, and saves. opened: { body, etag }, or null for a new one.
 * Resolves with the tenant, or undefined. */
function editTenant(opened) {
	const tenant = opened?.body;
	let etag = opened?.etag;
	const id = tenant ? null : textField("/id", "Id", { required: true,
		spellcheck: "false",
		help: "Letters, digits and . _ : @ -; it stays as it is." });
	const name = textField("/name", "Name", { value: tenant?.name,
		help: "What people call it." });
	const bounds = limits.map((limit) => limitField(limit, tenant));
	const fields = [id, name, ...bounds].filter(Boolean);
	const problem = h("div", { "aria-live": "polite" });
	const body = () => ({
		...(id ? { id: id.value().trim() } : {}),
		name: name.value().trim() || null,
		limits: Object.fromEntries(bounds.map((field, i) =>
			[limits[i].name, field.json()])),
	});
	const send = () => tenant
		? api.patch(path`/v1/tenants/${tenant.id}`, body(), { etag })
		: api.post("/v1/tenants", body());

	return dialog(tenant ? `Tenant ${tenantName(tenant)}` : "Add a tenant",
		(close) => ({
			body: [problem, h("div", { class: "fields" },
				fields.map(({ node }) => node)),
			h("p", { class: "help" }, "Empty: the default. 0: no limit.")],
			foot: [
				button("Cancel", () => close()),
				button("Save", async () => {
					clearErrors(fields);
					fill(problem);
					if (!areFilled(fields))
						return;
					try {
						close(await send());
					} catch (err) {
						if (err.status === 412) {
							({ etag } = await api.request("GET",
								path`/v1/tenants/${tenant.id}`));
							fill(problem, changedMeanwhile());
						} else if (err.name !== "Problem") {
							throw err;
						} else if (!showProblem(err, fields)) {
							fill(problem, note("bad", err.message));
						}
					}
				}, { kind: "primary" }),
			],
		}), { wide: true });
}

/* ---- the list ---- */

function tenantRow(tenant, context, refresh) {
	const isShown = tenant.id === session.tenant;
	const name = tenantName(tenant);
	const change = async () => {
		const saved = await editTenant(await api.request("GET",
			path`/v1/tenants/${tenant.id}`));

		if (saved) {
			toast(`${tenantName(saved)} is saved`);
			await refresh();
		}
	};
	const remove = async () => {
		if (!await confirm(`Delete ${name}?`,
			"Its channels, toggles and tokens go, and what waits is cancelled. This can't be undone.",
			"Delete"))
			return;
		await api.remove(path`/v1/tenants/${tenant.id}`);
		toast(`${name} is deleted`);
		if (isShown) {
			chooseTenant(session.default_tenant);
			await context.restart();
		} else {
			await refresh();
		}
	};
	const choose = async () => {
		chooseTenant(tenant.id);
		toast(`Everything shown is of ${name}`);
		await context.restart();
	};

	return [
		h("div", h("strong", { class: "break" }, name),
			name === tenant.id ? null
				: h("div", h("code", tenant.id)),
			tenant.file ? h("div", confPlace(tenant)) : null),
		sources[tenant.source] || tenant.source,
		shown({}, tenant.effective_limits.events_per_second),
		ofLimit({}, tenant.effective_limits.channels,
			count(tenant.usage.channels)),
		ofLimit({ size: true }, tenant.effective_limits.stored_bytes,
			bytes(tenant.usage.stored_bytes)),
		h("div", { class: "row-actions" },
			isShown ? badge("on", "shown")
				: button("Show", choose,
					{ "aria-label": `Show what is ${name}'s` }),
			tenant.locked ? null : button("Change…", change,
				{ "aria-label": `Change ${name}` }),
			tenant.locked || tenant.source === "default" ? null
				: button("Delete…", remove, { kind: "danger",
					"aria-label": `Delete ${name}` })),
	];
}

const columns = [
	{ label: "Tenant" }, { label: "From" },
	{ label: "Events/s", class: "nowrap" }, { label: "Channels" },
	{ label: "Stored" }, { label: "Actions", hidden: true, class: "end" },
];

async function open(context) {
	const { signal } = context;
	const list = h("div", { class: "page" });
	/* The last id of each page before this one. */
	let trail = [null];

	const refresh = async () => {
		const { tenants, next } = await api.get("/v1/tenants",
			{ limit: PAGE, after: trail.at(-1) }, { signal });
		const go = (to) => async () => {
			trail = to;
			await refresh();
			list.scrollIntoView({ block: "start" });
		};

		fill(list,
			tenants.length === 0 ? empty("No tenant.")
				: table("Tenants", columns, tenants.map((tenant) =>
					tenantRow(tenant, context, refresh)),
				{ cards: true }),
			h("div", { class: "actions" },
				trail.length > 1
					? button("Back", go(trail.slice(0, -1)),
						{ picture: "back" }) : null,
				next ? button("Next", go([...trail, next]),
					{ picture: "next" }) : null));
	};
	const add = button("Add tenant…", async () => {
		const made = await editTenant(null);

		if (made) {
			toast(`${tenantName(made)} is added`);
			await refresh();
		}
	}, { kind: "primary", picture: "plus" });

	await refresh();
	fill(context.root,
		pageHead("Tenants", {
			lead: "Each has its own channels, toggles, tokens and limits. What the other pages show is of one of them.",
			actions: [add] }),
		panel("All tenants", {}, finder(context), list));
}

/* Shows what is a tenant's by its id: one may not page through many thousands. */
function finder(context) {
	const id = textField("/id", "Show the tenant with the id",
		{ spellcheck: "false" });
	const go = h("button", { type: "submit", class: "button" }, "Show");

	return h("form", { class: "finder", novalidate: true, on: {
		submit: async (event) => {
			event.preventDefault();
			id.error(null);
			try {
				const tenant = await api.get(
					path`/v1/tenants/${id.value().trim()}`);

				chooseTenant(tenant.id);
				await context.restart();
			} catch (err) {
				id.error(err.message);
				id.focus();
			}
		},
	} }, id.node, go);
}

export default {
	path: "/tenants", title: "Tenants", open, scope: "admin",
	nav: { label: "Tenants", picture: "people", group: "Administration" },
};
