/*
 * pages/explain.js - which channels would get an event, which rule decides, and trying
 * it out
 */
import { api, path } from "../api.js";
import { byCategory, categoryTitle } from "../channel/filter_field.js";
import { kindOf } from "../channel/kinds.js";
import { testResult } from "../channel/test_result.js";
import { makeList } from "../deliveries/list.js";
import { liveDeliveries } from "../deliveries/live.js";
import { fill, h } from "../dom.js";
import { areFilled, areaField, clearErrors, fieldOf, showProblem, textField }
	from "../forms.js";
import { keepTimes } from "../format.js";
import { keepQuery, link } from "../router.js";
import { mayManage, session } from "../session.js";
import { badge, button, busyWhile, dialog, empty, note, pageHead, panel,
	table } from "../ui.js";

const tenant = () => ({ tenant_id: session.tenant });

const rules = {
	accepted: "accepted", toggle_off: "event type is off",
	module_disabled: "module is off", channel_disabled: "channel is off",
	not_listed: "not in its list", about_itself: "about itself",
};

function typeField(types, wanted) {
	const control = h("select", { name: "event" },
		[...byCategory(types)].map(([category, group]) => h("optgroup",
			{ label: categoryTitle(category) },
			group.map(({ name, enabled }) => h("option", { value: name },
				enabled ? name : `${name} (off)`)))));

	control.value = types.some(({ name }) => name === wanted)
		? wanted : control.options[0].value;
	return fieldOf("/event", "Event", control,
		{ help: "What would happen if it came now." });
}

/* ---- what would happen ---- */

async function testThrough(channel, event) {
	const kind = kindOf(channel.module);
	const result = await api.post(path`/v1/channels/${channel.channel}/test`,
		{ event }, { query: tenant() });

	await dialog(`${kind.test}: ${channel.channel}`, (close) => ({
		body: testResult(result),
		foot: [button("Close", () => close(), { kind: "primary" })],
	}), { wide: true });
}

function decision(channel, event) {
	return [
		h("a", { class: "break", href: link`/channels/${channel.channel}` },
			channel.channel),
		channel.module,
		badge(channel.receives ? "on" : "off",
			channel.receives ? "gets it" : "does not get it"),
		h("div", h("strong", rules[channel.rule] || channel.rule),
			h("div", { class: "help break" }, channel.reason)),
		h("div", { class: "row-actions" }, mayManage()
			? button("Test", () => testThrough(channel, event), {
				"aria-label": `Test ${channel.channel} with ${event}` })
			: null),
	];
}

function decisions(answer) {
	const gets = answer.channels.filter(({ receives }) => receives).length;

	return [
		gets > 0
			? note("good", `${gets} of ${answer.channels.length} ${
				answer.channels.length === 1 ? "channel gets"
					: "channels get"} it.`)
			: note("warn", "No channel gets it: ", answer.reason),
		answer.channels.length === 0
			? empty("There are no channels yet.", h("a",
				{ href: "#/settings" }, "Settings › Notifications"))
			: table("Which channels get it", [{ label: "Channel" },
				{ label: "Module" }, { label: "Outcome" },
				{ label: "Rule that decides" },
				{ label: "Actions", hidden: true, class: "end" },
			], answer.channels.map((channel) =>
				decision(channel, answer.event)), { cards: true }),
	];
}

/* ---- sending it ---- */

/* A problem of our own, as the API's are. */
function wrong(field, message) {
	return Object.assign(new Error(message), { name: "Problem", field });
}

function readMetadata(field) {
	const text = field.value().trim();

	if (!text)
		return {};
	try {
		const value = JSON.parse(text);

		if (value && typeof value === "object" && !Array.isArray(value))
			return value;
	} catch {
		/* told below */
	}
	throw wrong("/metadata", "Expected a JSON object.");
}

function sendPanel(event, signal) {
	const subject = textField("/subject", "Subject", { required: true,
		wide: true, value: "A test from the dashboard" });
	const body = areaField("/body", "Body (HTML)", { rows: 3,
		value: "<p>Sent to see where it goes.</p>" });
	const metadata = areaField("/metadata", "Metadata (JSON object)", {
		rows: 3, value: "{}" });
	const fields = [subject, body, metadata];
	const place = h("div", { "aria-live": "polite" });
	const submit = h("button", { type: "submit",
		class: "button button-primary" }, "Send it");
	/* What comes while it is being sent, and before it is known whose it is. */
	let list = null, early = null;

	const take = (changes) =>
		list?.take(changes.filter(({ id }) => list.has(id)), false);
	const send = async () => {
		clearErrors(fields);
		fill(place);
		if (!areFilled(fields))
			return;
		early = [];
		try {
			const answer = await api.post("/v1/events", { event: event(),
				subject: subject.value(), body: body.value(),
				metadata: readMetadata(metadata), ...tenant() });

			list = await sentList(answer, place, signal);
			take(early);
		} catch (err) {
			if (err.name !== "Problem")
				throw err;
			if (!showProblem(err, fields))
				fill(place, note("bad", err.message));
		} finally {
			early = null;
		}
	};

	liveDeliveries({ signal, state: () => {},
		wanted: ({ id }) => early || list?.has(id),
		changed: (changes) => early ? early.push(...changes)
			: take(changes) });
	return panel("Send it", {
		lead: "As a real event: stored, routed, delivered and shown like any other." },
	h("form", { class: "page", novalidate: true, on: { submit: (press) => {
		press.preventDefault();
		busyWhile(submit, send);
	} } }, h("div", { class: "fields" }, fields.map(({ node }) => node)),
	h("div", { class: "actions" }, submit)), place);
}

async function sentList(answer, place, signal) {
	const list = makeList({ caption: "Deliveries of the event" });

	if (answer.deliveries.length === 0) {
		fill(place, note("warn", "It is stored, and goes nowhere: ",
			answer.reason));
		return list;
	}
	const { deliveries } = await api.get(path`/v1/events/${answer.id}`, null,
		{ signal });

	list.show(deliveries);
	fill(place, note("info", "It is stored. What becomes of it is shown here."),
		list.node);
	return list;
}

/* ---- the page ---- */

async function open(context) {
	const { signal, query } = context;
	const { event_types: types } =
	    await api.get("/v1/event-types", tenant(), { signal });
	const field = typeField(types, query.get("event"));
	const place = h("div", { class: "page", "aria-live": "polite" });

	const explain = async () => {
		keepQuery({ event: field.value() });
		try {
			fill(place, decisions(await api.post("/v1/explain",
				{ event: field.value(), ...tenant() }, { signal })));
		} catch (err) {
			if (!signal.aborted)
				fill(place, note("bad", err.message));
		}
	};

	field.control.addEventListener("change", explain);
	await explain();
	fill(context.root,
		pageHead("Explain", {
			lead: "Which channels would get an event, and which rule decides." }),
		panel("Who gets it", {}, h("div", { class: "fields" }, field.node),
			place),
		mayManage() ? sendPanel(() => field.value(), signal) : null);
	keepTimes(context.root, signal);
}

export default {
	path: "/explain", title: "Explain", open,
	nav: { label: "Explain", picture: "question", group: "Activity" },
};
