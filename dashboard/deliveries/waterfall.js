/*
 * deliveries/waterfall.js - where an attempt's time went
 */
import { h, svg } from "../dom.js";
import { microseconds } from "../format.js";

const phases = [
	["resolve_us", "name", "looking the name up"],
	["connect_us", "connection", "connecting"],
	["tls_us", "tls", "agreeing on TLS"],
	["first_byte_us", "waiting", "waiting for the answer"],
	["took_us", "answer", "reading the answer"],
];

/* Each phase with its begin and end, in microseconds from the start. What did not
 * happen (no TLS, a kept connection) is left out. */
function spans(attempt) {
	let from = 0;

	return phases.flatMap(([name, kind, text]) => {
		const until = attempt[name];

		if (until === undefined || until <= from)
			return [];
		const span = { kind, text, from, until };

		from = until;
		return [span];
	});
}

export function waterfall(attempt) {
	const all = spans(attempt);
	const width = 480, row = 14;

	if (all.length === 0)
		return null;
	return h("div", { class: "waterfall" },
		svg("svg", { class: "chart", "aria-hidden": "true",
			viewBox: `0 0 ${width} ${row * all.length}` },
		all.map(({ kind, from, until }, i) => svg("rect", {
			class: `phase-${kind}`, rx: 2, y: i * row + 2, height: row - 4,
			x: width * from / attempt.took_us,
			width: Math.max(width * (until - from) / attempt.took_us, 2),
		}))),
		h("ul", { class: "legend" }, all.map(({ kind, text, from, until }) =>
			h("li", svg("svg", { class: "swatch", viewBox: "0 0 10 10",
				"aria-hidden": "true" },
			svg("rect", { class: `phase-${kind}`, width: 10, height: 10,
				rx: 2 })),
			`${text} `, h("strong", microseconds(until - from))))));
}
