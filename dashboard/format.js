/*
 * format.js - times, counts and durations for people
 */
import { h } from "./dom.js";

const absolute = new Intl.DateTimeFormat(undefined,
	{ dateStyle: "medium", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const counts = new Intl.NumberFormat("en");

const steps = [
	[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600],
	[30 * 86400, "day", 86400], [365 * 86400, "month", 30 * 86400],
	[Infinity, "year", 365 * 86400],
];

export const count = (number) => counts.format(number);

/* "3 minutes ago", "in 2 hours". */
export function ago(instant, now = Date.now()) {
	const seconds = Math.round((new Date(instant) - now) / 1000);
	const [, unit, size] =
	    steps.find(([limit]) => Math.abs(seconds) < limit);

	return relative.format(Math.trunc(seconds / size), unit);
}

/* An instant (RFC 3339): how long ago, and the exact time when pointed at. */
export function time(instant) {
	return h("time", { datetime: instant, data: { ago: "" },
		title: absolute.format(new Date(instant)) }, ago(instant));
}

/* The same as date and time of day, where the user is. */
export function exactTime(instant) {
	return h("time", { datetime: instant, title: instant },
		absolute.format(new Date(instant)));
}

/* "12.4 ms", "1.30 s" of microseconds. */
export function microseconds(us) {
	if (us < 1000)
		return `${us} µs`;
	if (us < 1000000)
		return `${(us / 1000).toFixed(us < 10000 ? 2 : 1)} ms`;
	return `${(us / 1000000).toFixed(2)} s`;
}

const units = [["g", "GiB", 2 ** 30], ["m", "MiB", 2 ** 20], ["k", "KiB", 2 ** 10]];

/* "64 MiB"; exactly: as it can be typed in and means the same, "64m". */
export function bytes(number, exactly = false) {
	if (exactly) {
		const [letter, , size] = units.find(([, , each]) =>
			number >= each && number % each === 0) || ["", "", 1];

		return `${number / size}${letter}`;
	}
	const [, unit, size] = units.find(([, , each]) => number >= each) ||
	    ["", "bytes", 1];

	return `${count(Math.round(number / size * 10) / 10)} ${unit}`;
}

/* The bytes of "64m", or null. */
export function parseBytes(text) {
	const found = /^(\d{1,15})([kmg]?)$/i.exec(text);
	const size = found && (units.find(([letter]) =>
		letter === found[2].toLowerCase())?.[2] ?? 1);

	return found ? Number(found[1]) * size : null;
}

export const plural = (number, one, many = `${one}s`) =>
	`${count(number)} ${number === 1 ? one : many}`;

/* "12 ms", "1.3 s", "4 min", "2.5 h" of milliseconds. */
export function milliseconds(ms) {
	const [limit, size, unit] = [
		[1000, 1, "ms"], [60000, 1000, "s"], [3600000, 60000, "min"],
		[86400000, 3600000, "h"], [Infinity, 86400000, "d"],
	].find(([below]) => ms < below);
	const value = ms / size;

	return `${limit === 1000 || value >= 100 ? Math.round(value)
		: Number(value.toFixed(1))} ${unit}`;
}

/* Keeps the times within node true while it is shown. */
export function keepTimes(node, signal) {
	const timer = setInterval(() => {
		for (const each of node.querySelectorAll("time[data-ago]"))
			each.textContent = ago(each.dateTime);
	}, 5000);

	signal.addEventListener("abort", () => clearInterval(timer));
}
