/*
 * pages/settings.js - Settings > Notifications: where events go, and which are sent
 */
import { api, path } from "../api.js";
import { fill, h } from "../dom.js";
import { switchControl } from "../forms.js";
import { icon } from "../icons.js";
import { byCategory, categoryTitle } from "../channel/filter_field.js";
import { kindOf, moduleOrder } from "../channel/kinds.js";
import { channelState } from "../channel/state.js";
import { testResult } from "../channel/test_result.js";
import { link } from "../router.js";
import { mayManage, session } from "../session.js";
import { badge, button, confPlace, dialog, empty, failed,
	pageHead, panel, table, toast } from "../ui.js";

const tenant = () => ({ tenant_id: session.tenant });

/* Makes a change that a switch stands for; it goes back if that fails. */
async function flip(input, change, said) {
	input.disabled = true;
	try {
		await change(input.checked);
		toast(said(input.checked));
	} catch (err) {
		input.checked = !input.checked;
		failed(err);
	} finally {
		input.disabled = false;
		input.focus();
	}
}

const onOff = (on) => on ? "on" : "off";

/* ---- channels ---- */

/* Where a channel goes, in a few words. */
function destination(channel) {
	const { settings } = channel;
	const to = settings.to || settings.url || settings.host;

	if (Array.isArray(to))
		return to.length > 2 ? `${to.slice(0, 2).join(", ")} and ${
			to.length - 2} more` : to.join(", ");
	return to || (channel.secrets.includes("url") ? "a secret URL" : "");
}

function filterText(channel) {
	return channel.events.length === 0 ? "all events"
		: channel.events.join(", ");
}

async function testSaved(channel, kind) {
	const result = await api.post(path`/v1/channels/${channel.name}/test`, {},
		{ query: tenant() });

	await dialog(`${kind.test}: ${channel.name}`, (close) => ({
		body: testResult(result),
		foot: [button("Close", () => close(), { kind: "primary" })],
	}), { wide: true });
}

function channelSwitch(channel, refresh) {
	/* What the conf file or the settings switch off is not a switch's. */
	if (!mayManage() || !channel.enabled)
		return badge("disabled", channel.enabled ? channel.state : "off");
	return switchControl(channel.name, {
		checked: !channel.disabled, hiddenLabel: true,
		change: (input) => flip(input, async (on) => {
			await api.post(path`/v1/channels/${channel.name}/` +
				(on ? "enable" : "disable"), {}, { query: tenant() });
			await refresh();
		}, (on) => `${channel.name} is ${onOff(on)}`),
	});
}

function channelRow(channel, kind, refresh) {
	return [
		h("div", { class: "channel-name" },
			h("a", { href: link`/settings/channels/${channel.name}` },
				channel.name),
			channel.file ? confPlace(channel) : null),
		h("div", h("span", { class: "break" }, destination(channel)),
			h("div", { class: "help" }, filterText(channel))),
		channelState(channel),
		h("div", { class: "row-actions" },
			channelSwitch(channel, refresh),
			mayManage() ? button(kind.test,
				() => testSaved(channel, kind),
				{ "aria-label": `${kind.test}: ${channel.name}` }) : null),
	];
}

function channelTable(kind, channels, refresh) {
	return table(`Channels: ${kind.title}`, [
		{ label: "Name" }, { label: "Goes to" }, { label: "State" },
		{ label: "Actions", hidden: true, class: "end" },
	], channels.map((channel) => channelRow(channel, kind, refresh)),
	{ cards: true, kind: "channels" });
}

/* Whether all channels of the module are on: the tenant's own switch. */
function moduleSwitch(module, kind, refresh) {
	if (module.locked)
		return h("div", { class: "locked" }, badge("disabled", "off"),
			confPlace(module));
	return switchControl(kind.title, {
		hiddenLabel: true, worded: true, checked: module.enabled, disabled: !mayManage(),
		change: (input) => flip(input, async (on) => {
			await api.put(path`/v1/modules/${module.name}/toggle`,
				{ enabled: on }, { query: tenant() });
			await refresh();
		}, (on) => `${kind.title}: ${onOff(on)}`),
	});
}

function modulePanel(module, channels, refresh) {
	const kind = kindOf(module.name, module.summary);
	const own = channels.filter(({ module: of }) => of === module.name);
	const add = mayManage() ? h("a", { class: "button",
		href: link`/settings/new/${module.name}` }, icon("plus"), kind.add)
		: null;

	return panel(kind.title, { lead: kind.lead, id: `module-${module.name}`,
		actions: [moduleSwitch(module, kind, refresh)] },
	own.length === 0
		? empty(`No ${kind.one} yet.`, add)
		: [channelTable(kind, own, refresh), h("div", add)]);
}

/* A module that is not loaded: what it had is kept, and waits. */
function missingModule(name, channels, refresh) {
	const kind = kindOf(name);
	const own = channels.filter(({ module }) => module === name);

	return panel(kind.title, { lead: kind.lead, id: `module-${name}` },
		empty(["The module is not loaded. The operator loads it with ",
			h("code", `load_module modules/${name}.so;`), "."]),
		own.length > 0 ? channelTable(kind, own, refresh) : null);
}

function modulePanels(modules, channels, refresh) {
	const there = new Set(["smtp", "webhook", ...modules.map(({ name }) => name),
		...channels.map(({ module }) => module)]);
	const known = moduleOrder.filter((name) => there.has(name));
	const others = [...there].filter((name) => !known.includes(name));

	return [...known, ...others].map((name) => {
		const module = modules.find((each) => each.name === name);

		return module ? modulePanel(module, channels, refresh)
			: missingModule(name, channels, refresh);
	});
}

/* ---- event types ---- */

async function setToggle(type, on) {
	return api.put(path`/v1/event-types/${type.name}/toggle`, { enabled: on },
		{ query: tenant() });
}

function typeParts(type, redraw) {
	const input = switchControl(type.name, {
		checked: type.enabled, disabled: type.locked || !mayManage(),
		hiddenLabel: true,
		change: (node) => flip(node, async (on) =>
			redraw(await setToggle(type, on)),
		(on) => `${type.name} is ${onOff(on)}`),
	});
	const reset = type.source === "api" && mayManage()
		? button("Reset", async () => redraw(await api.remove(
			path`/v1/event-types/${type.name}/toggle`, tenant())),
		{ kind: "quiet", "aria-label":
			`Reset ${type.name} to its default, ${onOff(type.default)}` })
		: null;

	return [input,
		h("div", { class: "type-text" },
			h("div", h("code", type.name), " ",
				badge(type.severity)),
			h("div", { class: "help" }, type.description),
			type.locked ? h("div", confPlace(type)) : null),
		h("div", { class: "type-default" }, reset,
			h("span", { class: "help" },
				`default ${onOff(type.default)}`))];
}

function typeItem(type) {
	const item = h("li", { class: "type", data: { type: type.name } });
	const draw = (now, focus) => {
		fill(item, typeParts(now, (changed) => draw(changed, true)));
		if (focus)
			item.querySelector("input").focus();
	};

	draw(type, false);
	return item;
}

function typesPanel(types) {
	return panel("Event types", { id: "event-types",
		lead: "What is off here goes to no channel at all." },
	h("div", { class: "categories" },
	[...byCategory(types)].map(([category, group]) =>
		h("section", { class: "category",
			"aria-label": categoryTitle(category) },
		h("h3", categoryTitle(category)),
		h("ul", { class: "types" }, group.map(typeItem))))));
}

/* ---- the page ---- */

async function open(context) {
	const { signal } = context;
	const channelsPart = h("div", { class: "page" });

	const refresh = async () => {
		const [{ modules }, channels] = await Promise.all([
			api.get("/v1/modules", tenant(), { signal }),
			api.all("/v1/channels", "channels", tenant(), { signal }),
		]);

		fill(channelsPart, modulePanels(modules, channels, refresh));
	};
	const [{ event_types: types }] = await Promise.all([
		api.get("/v1/event-types", tenant(), { signal }), refresh()]);

	fill(context.root,
		pageHead("Notifications", {
			lead: "Where events go, and which are sent at all." }),
		channelsPart, typesPanel(types));
}

export default {
	path: "/settings", title: "Notifications", open,
	nav: { label: "Notifications", picture: "bell", group: "Settings" },
};
