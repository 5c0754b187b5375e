/*
 * pages/channels.js - whether channels are sent to, and how they do
 */
import { api, path } from "../api.js";
import { channelLoad, channelState, channelSwitch } from "../channel/state.js";
import { charts } from "../deliveries/charts.js";
import { makeList } from "../deliveries/list.js";
import { liveDeliveries } from "../deliveries/live.js";
import { fill, h } from "../dom.js";
import { textField } from "../forms.js";
import { count, keepTimes } from "../format.js";
import { icon } from "../icons.js";
import { keepQuery, link } from "../router.js";
import { session } from "../session.js";
import { empty, pageHead, panel, table } from "../ui.js";

const EVERY_MS = 5000;
const SHOWN_MOST = 200; /* rows; a tenant may have many thousands */
const RECENT = 20;

const tenant = () => ({ tenant_id: session.tenant });

/* For what is drawn again later anyway: the daemon may not answer just now. */
const unlessProblem = (signal) => (err) => {
	if (err.name !== "Problem" && !signal.aborted)
		throw err;
};

/* Calls what draws now and then, as long as somebody looks. */
function keepDrawn(draw, signal) {
	const timer = setInterval(() => {
		/* Not under the hands of whoever is about to press something. */
		if (!document.hidden && !document.querySelector("dialog, :active"))
			draw().catch(unlessProblem(signal));
	}, EVERY_MS);

	signal.addEventListener("abort", () => clearInterval(timer));
}

/* Puts the focus back on the control of that label. */
function keepFocus(node, draw) {
	const label = node.contains(document.activeElement)
		? document.activeElement.getAttribute("aria-label") : null;

	draw();
	if (label)
		node.querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus();
}

/* ---- all of them ---- */

const order = ["faulty", "stopped", "disabled", "running"];

/* Those that need somebody first. */
function byNeed(a, b) {
	return order.indexOf(a.state) - order.indexOf(b.state) ||
	    b.waiting - a.waiting || a.name.localeCompare(b.name);
}

function row(channel, refresh) {
	return [
		h("a", { class: "break", href: link`/channels/${channel.name}` },
			channel.name),
		channel.module, channelState(channel), channelLoad(channel),
		h("div", { class: "row-actions" }, channelSwitch(channel, refresh)),
	];
}

async function openList(context) {
	const { signal, query } = context;
	const place = h("div");
	const search = textField("name", "Find", { type: "search",
		value: query.get("name"), placeholder: "a name or a module" });
	let channels = [];

	const draw = () => {
		const word = search.value().trim().toLowerCase();
		const found = channels.filter(({ name, module }) =>
			name.toLowerCase().includes(word) || module.includes(word));
		const shown = found.sort(byNeed).slice(0, SHOWN_MOST);

		keepFocus(place, () => fill(place, found.length === 0
			? empty(channels.length === 0 ? "There are no channels yet."
				: "No channel has that in its name.",
			h("a", { href: "#/settings" }, "Settings › Notifications"))
			: [table("List of channels", [{ label: "Name" }, { label: "Module" },
				{ label: "State" }, { label: "Load" },
				{ label: "Actions", hidden: true, class: "end" },
			], shown.map((channel) => row(channel, refresh)),
			{ cards: true }),
			found.length > shown.length ? h("p", { class: "help" },
				`${count(found.length - shown.length)} more; find them by name.`)
				: null]));
	};
	const refresh = async () => {
		channels = await api.all("/v1/channels", "channels", tenant(),
			{ signal });
		draw();
	};

	await refresh();
	search.control.addEventListener("input", () => {
		keepQuery({ name: search.value() });
		draw();
	});
	fill(context.root,
		pageHead("Channels", {
			lead: "Whether they are sent to, and what waits for them." }),
		panel("Channels", {}, h("div", { class: "filter" }, search.node),
			place));
	keepTimes(context.root, signal);
	keepDrawn(refresh, signal);
}

/* ---- one of them ---- */

function recent(name, signal) {
	const list = makeList({ caption: "Its newest deliveries",
		hide: ["Channel", "Tenant"] });
	const place = h("div");
	const draw = async () => {
		const { deliveries } = await api.get("/v1/deliveries",
			{ channel: name, limit: RECENT, ...tenant() }, { signal });

		list.show(deliveries);
		fill(place, deliveries.length > 0 ? list.node
			: empty("It has had no deliveries yet."));
	};

	liveDeliveries({ signal, state: () => {},
		wanted: (delivery) => delivery.channel === name &&
		    delivery.tenant_id === session.tenant,
		changed: (changes, missed) => {
			const none = list.size() === 0;

			if (missed) {
				draw().catch(unlessProblem(signal));
				return;
			}
			list.take(changes.filter(({ id, event }) =>
				event || list.has(id)), true);
			if (none)
				fill(place, list.node);
		} });
	return { place, draw };
}

async function openOne(context) {
	const { params: { name }, signal } = context;
	const state = h("div"), head = h("div"), chartPlace = h("div");
	const newest = recent(name, signal);

	const refresh = async () => {
		const channel = await api.get(path`/v1/channels/${name}`, tenant(),
			{ signal });

		keepFocus(head, () => fill(head, pageHead(channel.name, {
			lead: channel.module, actions: [
				channelSwitch(channel, refresh),
				h("a", { class: "button",
					href: link`/settings/channels/${channel.name}` },
				"Settings")].filter(Boolean) })));
		fill(state, h("dl", { class: "facts" },
			h("dt", "State"), h("dd", channelState(channel)),
			h("dt", "Load"), h("dd", channelLoad(channel)),
			h("dt", "Events"), h("dd", channel.events.length > 0
				? channel.events.map((word) => [h("code", word), " "])
				: "all types that are on"),
			h("dt", "Retries"), h("dd", channel.retry.length > 0
				? `after ${channel.retry.join(", ")}` : "none")));
	};

	await Promise.all([refresh(), newest.draw()]);
	context.setTitle(name);
	fill(context.root,
		h("a", { class: "back", href: "#/channels" }, icon("back"),
			"Channels"),
		head, panel("State", {}, state),
		panel("The last hour", {}, chartPlace),
		panel("Newest deliveries", { actions: [h("a", {
			href: `#/deliveries?channel=${encodeURIComponent(name)}` },
		"All of its deliveries")] }, newest.place));
	charts(chartPlace, () => ({ ...tenant(), channel: name }), signal);
	keepTimes(context.root, signal);
	keepDrawn(refresh, signal);
}

export const channels = {
	path: "/channels", title: "Channels", open: openList,
	nav: { label: "Channels", picture: "plug", group: "Activity" },
};

export const channel = {
	path: "/channels/{name}", title: "Channel", open: openOne,
};
