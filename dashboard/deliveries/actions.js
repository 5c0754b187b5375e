/*
 * deliveries/actions.js - replay and cancel: of one, of a selection, of all that match
 */
import { api, path } from "../api.js";
import { fill, h } from "../dom.js";
import { plural } from "../format.js";
import { confirm, note, toast } from "../ui.js";

const AT_ONCE = 4; /* requests */

const words = {
	replay: { done: "replayed", title: "Replay", not: "could not be replayed",
		idle: "had not ended",
		text: "is sent again, under the same id and freshly signed, to where its channel goes now." },
	cancel: { done: "cancelled", title: "Cancel", not: "could not be cancelled",
		idle: "did not wait any more",
		text: "is not sent any more. It can be replayed later." },
};

/* Replays or cancels deliveries by their ids; how many were, how many there was
 * nothing to do for, and what went wrong. */
async function each(verb, ids, progress) {
	const { done } = words[verb];
	const left = [...ids];
	const result = { done: 0, idle: 0, problems: [] };

	const work = async () => {
		for (let id = left.shift(); id; id = left.shift()) {
			try {
				const answer = await api.post(
					path`/v1/deliveries/${id}/` + verb, {});

				if (answer[done] > 0)
					result.done += 1;
				else
					result.idle += 1;
			} catch (err) {
				if (err.name !== "Problem")
					throw err;
				result.problems.push(`${id}: ${err.message}`);
			}
			progress(ids.length - left.length, ids.length);
		}
	};

	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return result;
}

/* Says what became of it, in place. */
function report(place, verb, { done, idle, problems }) {
	const { done: did, not, idle: why } = words[verb];
	const told = [`${plural(done, "delivery", "deliveries")} ${did}`];

	if (idle > 0)
		told.push(`${idle} ${why}`);
	if (problems.length > 0)
		told.push(`${problems.length} ${not}`);
	fill(place, note(problems.length > 0 ? "bad" : done > 0 ? "good" : "warn",
		h("p", `${told.join(", ")}.`),
		problems.length > 0 ? h("ul", problems.slice(0, 5).map((text) =>
			h("li", text))) : null));
}

/* After a question. place: where the result is said. True if it was done. */
export async function actOn(verb, ids, place) {
	const { title, text } = words[verb];
	const many = plural(ids.length, "delivery", "deliveries");

	if (!await confirm(`${title} ${many}?`,
		`${ids.length === 1 ? "It" : "Each"} ${text}`, `${title} ${many}`,
		verb === "replay" ? "primary" : "danger"))
		return false;
	report(place, verb, await each(verb, ids, (n, of) => {
		if (of > AT_ONCE)
			fill(place, note("info", `${n} of ${of}…`));
	}));
	return true;
}

/* All that match: one request. names: { channel, event, since, until, tenant_id }. */
export async function actOnAll(verb, names) {
	const { title, done } = words[verb];
	const what = verb === "replay" ? "every delivery that failed"
		: "every delivery that waits";
	const told = Object.entries(names)
		.filter(([name, value]) => value && name !== "tenant_id")
		.map(([name, value]) => `${name} ${value}`).join(", ");

	if (!await confirm(`${title} ${what}?`,
		`Of those with: ${told}. However many they are, shown here or not.`,
		`${title} all`, verb === "replay" ? "primary" : "danger"))
		return false;
	const answer = await api.post(`/v1/deliveries/${verb}`,
		Object.fromEntries(Object.entries(names)
			.filter(([, value]) => value)));

	toast(`${plural(answer[done], "delivery", "deliveries")} ${done}`);
	return true;
}
