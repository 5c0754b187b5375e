/*
 * deliveries/filter.js - which deliveries the list shows
 */
import { h } from "../dom.js";
import { selectField, textField } from "../forms.js";
import { isAdmin, session } from "../session.js";

const states = [["", "any"], ["failed", "failed"], ["scheduled", "waiting"],
	["delivered", "delivered"], ["cancelled", "cancelled"]];
const spans = [["", "any time"], ["900", "the last 15 minutes"],
	["3600", "the last hour"], ["86400", "the last 24 hours"],
	["604800", "the last 7 days"], ["range", "from … to …"]];
const CHANNELS_OFFERED = 500;

/* What a field of date and time holds, as RFC 3339 in UTC. */
const instant = (value) => value ? new Date(value).toISOString() : "";

/* And back, where the user is: 2026-04-10T15:30. */
function local(text) {
	const date = new Date(text);

	if (!text || Number.isNaN(date.getTime()))
		return "";
	return new Date(date.getTime() - date.getTimezoneOffset() * 60000)
		.toISOString().slice(0, 16);
}

function channelField(channels, value) {
	const field = textField("channel", "Channel", { value, spellcheck: "false",
		placeholder: "any", list: "channel-names" });

	field.node.append(h("datalist", { id: "channel-names" },
		channels.slice(0, CHANNELS_OFFERED).map(({ name }) =>
			h("option", { value: name }))));
	return field;
}

/*
 * The filter, as a form. query: the address's; changed: called when it means other
 * deliveries than before.
 *
 * Gives { node, query(), address(), isSelective(), takes(delivery) }: the parameters
 * of the API; what the address keeps; whether it names deliveries well enough to
 * replay or cancel all; and whether a delivery belongs to it.
 */
export function makeFilter(query, { types, channels }, changed) {
	const state = selectField("state", "State", states,
		{ value: states.some(([name]) => name === query.get("state"))
			? query.get("state") : "" });
	const channel = channelField(channels, query.get("channel"));
	const event = selectField("event", "Event",
		[["", "any"], ...types.map(({ name }) => [name, name])],
		{ value: types.some(({ name }) => name === query.get("event"))
			? query.get("event") : "" });
	const ranged = query.has("since") || query.has("until");
	const span = selectField("accepted", "Accepted", spans,
		{ value: ranged ? "range"
			: spans.some(([name]) => name === query.get("within"))
				? query.get("within") : "" });
	const since = textField("since", "From", { type: "datetime-local",
		value: local(query.get("since")) });
	const until = textField("until", "To", { type: "datetime-local",
		value: local(query.get("until")) });
	const everyone = h("input", { type: "checkbox", name: "everyone",
		checked: isAdmin() && query.has("everyone") });
	const range = h("div", { class: "filter-range" }, since.node, until.node);

	const bounds = () => span.value() === "range"
		? { since: instant(since.value()), until: instant(until.value()) }
		: { since: span.value() && new Date(Date.now() -
			Number(span.value()) * 1000).toISOString(), until: "" };
	const all = () => isAdmin() && everyone.checked;
	const show = () => {
		range.hidden = span.value() !== "range";
	};

	const node = h("form", { class: "filter", role: "search",
		"aria-label": "Which deliveries", on: {
			submit: (press) => {
				press.preventDefault();
				changed();
			},
			change: () => {
				show();
				changed();
			},
		} },
	state.node, channel.node, event.node, span.node, range,
	isAdmin() ? h("label", { class: "check" }, everyone,
		"Of all tenants") : null);

	show();
	return {
		node,
		everyone: all,
		query: () => ({ state: state.value(), channel: channel.value().trim(),
			event: event.value(), ...bounds(),
			tenant_id: all() ? "" : session.tenant }),
		address: () => ({ state: state.value(),
			channel: channel.value().trim(), event: event.value(),
			...(span.value() === "range" ? bounds()
				: { within: span.value() }),
			everyone: all() ? "1" : "" }),
		isSelective: () => Boolean(channel.value().trim() ||
			event.value() || bounds().since || bounds().until),
		takes(delivery) {
			const { since: from, until: to } = bounds();
			const at = new Date(delivery.accepted_at);

			return (!state.value() || delivery.state === state.value()) &&
			    (!channel.value().trim() ||
				delivery.channel === channel.value().trim()) &&
			    (!event.value() || delivery.event === event.value()) &&
			    (!from || at >= new Date(from)) &&
			    (!to || at < new Date(to));
		},
	};
}
