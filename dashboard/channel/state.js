/*
 * channel/state.js - whether a channel is sent to, and what changes that
 */
import { api, path } from "../api.js";
import { h } from "../dom.js";
import { count, time } from "../format.js";
import { mayManage, session } from "../session.js";
import { badge, button, toast } from "../ui.js";

const tenant = () => ({ tenant_id: session.tenant });

/* Running, paced (until when), failing, stopped, disabled or faulty, and why. */
export function channelState(channel) {
	const running = channel.state === "running";
	const paced = running && channel.paced_until;
	const failing = running && channel.failing_since;

	return h("div", badge(failing ? "failing" : paced ? "paced" : channel.state,
		channel.state === "disabled" ? "paused" : undefined),
	paced ? h("div", { class: "help" },
		"its endpoint asked to be left alone until ",
		time(channel.paced_until)) : null,
	failing ? h("div", { class: "help" },
		"its deliveries keep failing; noticed ",
		time(channel.failing_since)) : null,
	channel.reason ? h("div", { class: "help" }, channel.reason) : null);
}

/* What waits for it, and what is being sent. */
export function channelLoad(channel) {
	return `${count(channel.waiting)} waiting${channel.in_flight > 0
		? `, ${count(channel.in_flight)} being sent` : ""}`;
}

const verbs = {
	running: ["Pause", "disable", "paused; what waits for it is kept"],
	disabled: ["Start", "enable", "started"],
	stopped: ["Start", "start", "started"],
};

/* The button that pauses or starts a channel; null if nothing here does. */
export function channelSwitch(channel, done) {
	/* What the conf file or a switch of all of its kind holds is not its own. */
	const own = channel.state !== "disabled" || channel.disabled;
	const [label, verb, told] = verbs[channel.state] || [];

	if (!verb || !own || !mayManage())
		return null;
	return button(label, async () => {
		await api.post(path`/v1/channels/${channel.name}/` + verb, {},
			{ query: tenant() });
		toast(`${channel.name} is ${told}`);
		await done();
	}, { "aria-label": `${label} ${channel.name}` });
}
