/*
 * pages/delivery.js - one delivery: its event, its attempts, what was sent
 */
import { api, path } from "../api.js";
import { actOn } from "../deliveries/actions.js";
import { stateBadge } from "../deliveries/list.js";
import { liveDeliveries } from "../deliveries/live.js";
import { waterfall } from "../deliveries/waterfall.js";
import { fill, h } from "../dom.js";
import { exactTime, keepTimes, microseconds, time } from "../format.js";
import { icon } from "../icons.js";
import { link } from "../router.js";
import { mayManage } from "../session.js";
import { badge, button, copyable, pageHead, panel, table } from "../ui.js";

const waits = ({ state }) => state === "scheduled" || state === "sending";

/* What may be gone, or not for these eyes. */
async function ifThere(asked) {
	try {
		return await asked;
	} catch (err) {
		if (err.status === 404 || err.status === 403)
			return null;
		throw err;
	}
}

function facts(pairs) {
	return h("dl", { class: "facts" }, pairs.filter(Boolean)
		.map(([name, value]) => [h("dt", name), h("dd", value)]));
}

function summary(delivery, channel) {
	return panel("State", {}, facts([
		["State", stateBadge(delivery)],
		["Channel", delivery.channel
			? h("a", { href: link`/channels/${delivery.channel}` },
				delivery.channel) : "deleted since"],
		channel && ["Module", channel.module],
		channel && channel.state !== "running" && ["Channel is",
			[badge(channel.state), " ", channel.reason || ""]],
		["Event accepted", exactTime(delivery.accepted_at)],
		delivery.due && waits(delivery) && ["Next attempt",
			[time(delivery.due), " · ", exactTime(delivery.due)]],
		delivery.ended_at && ["Ended", exactTime(delivery.ended_at)],
		["Attempts", delivery.tries === delivery.attempt_count
			? String(delivery.attempt_count)
			: `${delivery.attempt_count} in all, ${delivery.tries} of them since it was last replayed, or counted`],
		["Id", copyable(delivery.id, "The id")],
	]));
}

function recipients(attempt) {
	return table(`Recipients of attempt ${attempt.number}`, [
		{ label: "Recipient" }, { label: "Outcome" }, { label: "Reply" },
	], attempt.recipients.map((one) => [
		h("span", { class: "break" }, one.address), badge(one.verdict),
		h("code", { class: "break" }, [one.status || "", one.reply || ""]
			.filter(Boolean).join(" ")),
	]), { cards: true });
}

function attemptNode(attempt, last) {
	return h("details", { class: "attempt", open: last,
		data: { attempt: attempt.number } },
	h("summary", h("span", `Attempt ${attempt.number}`), " ",
		badge(attempt.verdict), " ",
		attempt.status ? h("code", attempt.status) : null, " ",
		h("span", { class: "muted" }, time(attempt.at),
			`, took ${microseconds(attempt.took_us)}`)),
	attempt.why ? h("p", { class: "why" }, attempt.why) : null,
	waterfall(attempt),
	attempt.recipients ? recipients(attempt) : null,
	attempt.excerpt ? [h("p", { class: "label" }, "Beginning of the answer"),
		h("pre", { tabindex: "0" }, attempt.excerpt)] : null);
}

function attempts({ attempts: list }) {
	const newest = [...list].reverse();

	return panel("Attempts", {}, newest.length === 0
		? h("p", { class: "muted" }, "None yet.")
		: newest.map((attempt, i) => attemptNode(attempt, i === 0)));
}

/* ---- what is sent: what follows from what is kept ---- */

/* The event as it was posted, without what the answer adds. */
function posted(event) {
	const { id, accepted_at: at, reason, deliveries, ...own } = event;

	return own;
}

function header(name, value) {
	return h("div", h("strong", `${name}: `), value);
}

function webhookRequest(delivery, channel) {
	const last = delivery.attempts.at(-1);
	const stamp = last && Math.floor(Date.parse(last.at) / 1000);
	const signed = channel.secrets.includes("secret");
	const { settings } = channel;

	return [
		h("p", { class: "help" },
			"By the channel's settings of now. The body is the event below, its keys sorted, without white space and in ASCII (doc/manual/verifying.md)."),
		h("pre", { tabindex: "0" },
			h("div", h("strong", settings.method || "POST"), " ",
				settings.url || "a secret URL"),
			header("Content-Type", "application/json"),
			header("webhook-id", delivery.id),
			header("webhook-timestamp", stamp
				? `${stamp} (of attempt ${last.number})`
				: "the time of the attempt"),
			signed ? [header("webhook-signature",
				"v1,… (made anew for each attempt)"),
			header("X-Reoclo-Signature-256",
				"sha256=… (HMAC of the body with the secret)")] : null),
	];
}

function sent(delivery, channel) {
	if (!channel)
		return null;
	return panel("Request", {}, channel.module === "webhook"
		? webhookRequest(delivery, channel)
		: [h("p", { class: "help" },
			`Composed by the module ${channel.module} from the event below, by the channel's settings of now.`),
		facts(Object.entries(channel.settings)
			.filter(([name]) => ["url", "host", "port", "from", "to",
				"program"].includes(name))
			.map(([name, value]) => [name,
				Array.isArray(value) ? value.join(", ") : value]))]);
}

function eventPanel(delivery, event) {
	if (!event)
		return panel("Event", {}, h("p", delivery.subject));
	const own = posted(event);
	const others = event.deliveries.filter(({ id }) => id !== delivery.id);

	return panel("Event", {},
		facts([
			["Type", h("code", own.event)],
			["Subject", own.subject],
			["Happened", exactTime(own.timestamp)],
			["Tenant", h("code", own.tenant_id)],
			["Id", copyable(event.id, "The event's id")],
			others.length > 0 && ["Other deliveries",
				h("ul", { class: "plain" }, others.map((other) => h("li",
					h("a", { href: link`/deliveries/${other.id}` },
						other.channel || "(deleted)"), " ",
					stateBadge(other))))],
		]),
		own.body ? [h("p", { class: "label" }, "Body, as HTML source"),
			h("pre", { tabindex: "0" }, own.body)] : null,
		Object.keys(own.metadata).length > 0
			? [h("p", { class: "label" }, "Metadata"),
				h("pre", { tabindex: "0" },
					JSON.stringify(own.metadata, null, 2))] : null);
}

/* ---- the page ---- */

function actions(delivery, result, refresh) {
	const act = async (verb) => {
		if (await actOn(verb, [delivery.id], result))
			await refresh();
	};

	if (!mayManage())
		return [];
	return waits(delivery)
		? [button("Cancel…", () => act("cancel"), { kind: "danger" })]
		: [button("Replay…", () => act("replay"), { kind: "primary" })];
}

async function open(context) {
	const { params, signal } = context;
	const result = h("div", { "aria-live": "polite" });
	const parts = h("div", { class: "page" });

	const draw = async (first) => {
		const delivery = await api.get(path`/v1/deliveries/${params.id}`,
			null, { signal });
		const [event, channel] = await Promise.all([
			ifThere(api.get(path`/v1/events/${delivery.event_id}`, null,
				{ signal })),
			delivery.channel ? ifThere(api.get(
				path`/v1/channels/${delivery.channel}`,
				{ tenant_id: delivery.tenant_id }, { signal })) : null,
		]);

		if (first)
			context.setTitle(delivery.subject || "Delivery");
		fill(parts,
			pageHead(delivery.subject || "(no subject)", {
				lead: [h("code", delivery.event), " to ",
					delivery.channel || "a channel deleted since"],
				actions: actions(delivery, result, refresh) }),
			result, summary(delivery, channel), attempts(delivery),
			sent(delivery, channel), eventPanel(delivery, event));
	};
	/* Keeps what is open open, and the focus where it was. */
	const refresh = async () => {
		const opened = new Map([...parts.querySelectorAll(".attempt")]
			.map((node) => [node.dataset.attempt, node.open]));
		const hadFocus = parts.contains(document.activeElement);

		await draw(false);
		for (const node of parts.querySelectorAll(".attempt")) {
			if (opened.get(node.dataset.attempt))
				node.open = true;
		}
		if (hadFocus && !parts.contains(document.activeElement))
			parts.querySelector("h1").focus({ preventScroll: true });
	};

	await draw(true);
	fill(context.root, h("a", { class: "back", href: "#/deliveries" },
		icon("back"), "Deliveries"), parts);
	keepTimes(context.root, signal);
	liveDeliveries({ signal, state: () => {},
		wanted: ({ id }) => id === params.id,
		changed: () => refresh().catch((err) => {
			if (err.name !== "Problem" && !signal.aborted)
				throw err;
		}) });
}

export default { path: "/deliveries/{id}", title: "Delivery", open };
