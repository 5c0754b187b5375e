/*
 * channel/policy_fields.js - how a channel sends: what every channel has
 */
import { switchField, textField } from "../forms.js";

function line(name, label, help, placeholder) {
	const field = textField(`/${name}`, label, { help,
		placeholder: placeholder || "default", spellcheck: "false" });

	field.value = () => field.control.value.trim() || null;
	return field;
}

/* The text of a list of waits, as the conf file has it. */
function retryText(value) {
	return Array.isArray(value) ? value.join(" ") || "none" : value;
}

export function policyFields() {
	const retry = line("retry", "Retries",
		"How long to wait before each, as 1s 2s 4s; or none.");
	const jitter = line("jitter", "Jitter",
		"How much later a retry may come, in per cent of the wait.");
	const ordered = switchField("/ordered", "In order",
		{ help: "One after the other: a retry holds up what comes after it." });
	const concurrency = line("concurrency", "At the same time",
		"How many may be under way at once.");
	const setRetry = retry.set, setJitter = jitter.set;

	retry.set = (value) => setRetry(retryText(value));
	jitter.set = (value) =>
		setJitter(typeof value === "number" ? `${value}%` : value);
	concurrency.value = () => {
		const text = concurrency.control.value.trim();

		return text === "" ? null : /^\d{1,9}$/.test(text) ? Number(text)
			: text;
	};
	return [
		retry, jitter,
		line("timeout", "Time-out", "How long one attempt may take, as 10s."),
		line("max_age", "Give up after",
			"How old a delivery may get before it is failed, as 24h."),
		line("rate", "Rate", "How many may start, as 10/s burst=5; off for no limit."),
		concurrency,
		line("retry_after_max", "Longest pause",
			"How long a pause of the endpoint's own wish (Retry-After) may be."),
		ordered,
	];
}
