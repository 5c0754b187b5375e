/*
 * pages/audit.js - who changed what
 */
import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { selectField, textField } from "../forms.js";
import { exactTime } from "../format.js";
import { keepQuery, link } from "../router.js";
import { isAdmin, session } from "../session.js";
import { button, empty, note, pageHead, panel, table } from "../ui.js";

const PAGE = 50;

const spans = [["", "any time"], ["3600", "the last hour"],
	["86400", "the last 24 hours"], ["604800", "the last 7 days"]];

/* What was done, in words; what is not here is shown by its name. */
const actions = {
	"toggle-set": "Switched an event type",
	"toggle-reset": "Reset an event type",
	"module-toggle-set": "Switched a module",
	"module-toggle-reset": "Reset a module",
	"channel-create": "Made a channel", "channel-put": "Replaced a channel",
	"channel-patch": "Changed a channel",
	"channel-delete": "Deleted a channel",
	"channel-test": "Tested a channel", "draft-test": "Tested settings",
	"channel-enable": "Switched a channel on",
	"channel-disable": "Paused a channel", "channel-start": "Started a channel",
	replay: "Replayed deliveries", cancel: "Cancelled deliveries",
	"token-create": "Made a token", "token-revoke": "Revoked a token",
	"tenant-create": "Made a tenant", "tenant-put": "Replaced a tenant",
	"tenant-patch": "Changed a tenant", "tenant-delete": "Deleted a tenant",
	seal: "Sealed a secret", rotate: "Changed the keys",
	backup: "Copied the store", reload: "Reloaded the conf file",
	"sign-in": "Signed in", "sign-in-refused": "Was refused to sign in",
	"sign-out": "Signed out", "sign-out-everywhere": "Signed out everywhere",
};

/* A change of a channel leads to it. */
function objectCell({ action, object }) {
	if (!object)
		return null;
	return action.startsWith("channel-") && action !== "channel-delete"
		? h("a", { class: "break", href: link`/channels/${object}` }, object)
		: h("span", { class: "break" }, object);
}

/* "settings=host,port" goes on in the next line before a name, not within one. */
function detailCell({ detail }) {
	return h("code", { class: "break" },
		detail.split(/(?<=,)|(?<==)(?=[^ ]*,)/)
			.map((part, i) => [i > 0 ? h("wbr") : null, part]));
}

const columns = (everyone) => [
	{ label: "Time", class: "nowrap" }, { label: "Who", class: "name" },
	{ label: "From", class: "address" },
	...everyone ? [{ label: "Tenant" }] : [],
	{ label: "What" }, { label: "Of", class: "name" }, { label: "Details" },
];

function cells(row, everyone) {
	return [
		exactTime(row.at), h("span", { class: "break" }, row.actor),
		row.address ? h("code", { class: "break" }, row.address) : null,
		...everyone ? [row.tenant_id
			? h("code", { class: "break" }, row.tenant_id)
			: "the daemon"] : [],
		h("span", actions[row.action] || h("code", row.action)),
		objectCell(row),
		row.detail ? detailCell(row) : null,
	];
}

async function open(context) {
	const { signal, query } = context;
	const before = [];
	let cursor = null;
	const actor = textField("actor", "Who", { value: query.get("actor"),
		placeholder: "user ada, token ci" });
	const action = selectField("action", "What",
		[["", "anything"], ...Object.entries(actions)],
		{ value: actions[query.get("action")] ? query.get("action") : "" });
	const span = selectField("within", "When", spans,
		{ value: spans.some(([name]) => name === query.get("within"))
			? query.get("within") : "" });
	const everyone = h("input", { type: "checkbox", name: "everyone",
		checked: isAdmin() && query.has("everyone") });
	const place = h("div");
	const pager = h("nav", { class: "pager",
		"aria-label": "Pages of the audit log" });

	const asked = () => ({ actor: actor.value().trim(), action: action.value(),
		since: span.value() && new Date(Date.now() -
			Number(span.value()) * 1000).toISOString(),
		tenant_id: everyone.checked ? "" : session.tenant,
		limit: PAGE, before: cursor });
	const go = (to) => {
		cursor = to;
		return load();
	};
	const load = async () => {
		const answer = await api.get("/v1/audit", asked(), { signal });
		const shape = columns(everyone.checked);

		fill(place, answer.audit.length === 0
			? empty("Nothing was changed that fits.")
			: table("Audit log", shape, answer.audit.map((row) =>
				cells(row, everyone.checked)), { cards: true, kind: "audit" }));
		fill(pager,
			cursor ? button("Newer", () => go(before.pop() ?? null),
				{ picture: "back" }) : null,
			answer.next ? button("Older", () => {
				before.push(cursor);
				return go(answer.next);
			}, { picture: "next" }) : null);
	};
	const filtered = () => {
		before.length = 0;
		keepQuery({ actor: actor.value().trim(), action: action.value(),
			within: span.value(), everyone: everyone.checked ? "1" : "" });
		return go(null).catch((err) => {
			if (!signal.aborted)
				fill(place, note("bad", err.message));
		});
	};

	const head = pageHead("Audit log", {
		lead: "Who changed what, over the API, the command line and here." });

	try {
		await load();
	} catch (err) {
		if (err.status !== 404)
			throw err;
		fill(context.root, head, empty("This daemon keeps no audit log."));
		return;
	}
	fill(context.root, head,
		panel("Changes", {}, h("form", { class: "filter", role: "search",
			"aria-label": "Which changes", on: {
				submit: (event) => {
					event.preventDefault();
					filtered();
				},
				change: filtered,
			} },
		actor.node, action.node, span.node, isAdmin() ? h("label",
			{ class: "check" }, everyone, "Of all tenants") : null),
		place, pager));
}

export default {
	path: "/audit", scope: "manage", title: "Audit log", open,
	nav: { label: "Audit log", picture: "clock", group: "Administration" },
};
