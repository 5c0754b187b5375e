/*
 * deliveries/charts.js - the last hour as two small charts: how many, how long
 *
 * Each chart is a figure: the picture, a sentence that says the same in short, and
 * the figures as a table for who wants them exactly or does not see the picture.
 */
import { api } from "../api.js";
import { fill, h, svg, uniqueId } from "../dom.js";
import { count, milliseconds } from "../format.js";
import { table } from "../ui.js";

const WIDTH = 480, HEIGHT = 120, LEFT = 40, BOTTOM = 18, TOP = 8;
const plot = { width: WIDTH - LEFT, height: HEIGHT - TOP - BOTTOM };
const EVERY_MS = 10000;

const clock = (instant) => new Date(instant).toLocaleTimeString(undefined,
	{ hour: "2-digit", minute: "2-digit" });
const x = (i, of) => LEFT + plot.width * i / of;
const sum = (minutes, name) =>
	minutes.reduce((all, minute) => all + (minute[name] || 0), 0);

/* The next of 1, 2, 5, 10, 20, ... that is no less. */
function roundUp(value) {
	const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));

	return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value);
}

function axis(lines) {
	return lines.map(([y, label]) => [
		svg("line", { class: "chart-line", x1: LEFT, x2: WIDTH, y1: y, y2: y }),
		svg("text", { class: "chart-label", x: LEFT - 6, y: y + 3.5,
			"text-anchor": "end" }, label),
	]);
}

function hours(minutes) {
	return [0, 20, 40].map((i) => svg("text", { class: "chart-label",
		x: x(i, minutes.length), y: HEIGHT - 4 }, clock(minutes[i].at)));
}

function picture(label, children) {
	return svg("svg", { class: "chart", role: "img", "aria-label": label,
		viewBox: `0 0 ${WIDTH} ${HEIGHT}` }, children);
}

/* ---- how many ---- */

function bars(minute, i, of, scale) {
	const width = Math.max(plot.width / of - 1.5, 1);
	const parts = [["delivered", minute.delivered], ["failed", minute.failed]];
	let y = HEIGHT - BOTTOM;

	return svg("g",
		svg("title", `${clock(minute.at)}: ${count(minute.accepted)} accepted, ${
			count(minute.delivered)} delivered, ${count(minute.failed)} failed`),
		/* All of the column answers to the pointer. */
		svg("rect", { class: "chart-hit", x: x(i, of), y: TOP,
			width: plot.width / of, height: plot.height }),
		parts.map(([name, value]) => {
			const height = value > 0 ? Math.max(value * scale, 1.5) : 0;

			y -= height;
			return height > 0 && svg("rect", { class: `chart-${name}`,
				x: x(i, of), y, width, height });
		}));
}

/* What was accepted, as a line of steps over the bars. */
function steps(minutes, scale) {
	const points = minutes.flatMap((minute, i) => {
		const y = HEIGHT - BOTTOM - minute.accepted * scale;

		return [`${x(i, minutes.length)},${y}`,
			`${x(i + 1, minutes.length)},${y}`];
	});

	return svg("polyline", { class: "chart-accepted",
		points: points.join(" ") });
}

function rates(minutes) {
	const most = roundUp(Math.max(...minutes.map((minute) =>
		Math.max(minute.accepted, minute.delivered + minute.failed))));
	const scale = plot.height / most;
	const said = `${count(sum(minutes, "accepted"))} accepted, ${
		count(sum(minutes, "delivered"))} delivered, ${
		count(sum(minutes, "failed"))} failed`;

	return [`Deliveries per minute. In the last hour: ${said}.`, said,
		picture(`Deliveries per minute over the last hour: ${said}`, [
			axis([[TOP, count(most)],
				[HEIGHT - BOTTOM, "0"]]),
			minutes.map((minute, i) =>
				bars(minute, i, minutes.length, scale)),
			steps(minutes, scale), hours(minutes),
		])];
}

/* ---- how long ---- */

/* Powers of ten, as waiting times are milliseconds or days. */
const ticks = [[1, "1 ms"], [10, "10 ms"], [100, "0.1 s"], [1000, "1 s"],
	[10000, "10 s"], [100000, "100 s"], [1e6, "17 min"], [1e7, "3 h"],
	[1e8, "28 h"], [1e9, "12 d"]];

function waits(minutes) {
	const known = minutes.filter((minute) => minute.delivered > 0);
	const longest = Math.max(1, ...known.map((minute) => minute.waited_most_ms));
	const top = ticks.findIndex(([ms]) => ms >= longest);
	const y = (ms) => HEIGHT - BOTTOM - plot.height *
	    Math.log10(Math.max(ms, 1)) / Math.max(top, 1);
	const middle = (i) => x(i + 0.5, minutes.length);
	const said = known.length === 0 ? "nothing was delivered"
		: `the longest ${milliseconds(longest)}`;

	return [`Waiting time before delivery. In the last hour: ${said}.`, said,
		picture(`Waiting time before delivery, by minute: ${said}`, [
			axis(ticks.slice(0, Math.max(top, 1) + 1)
				.map(([ms, label]) => [y(ms), label])),
			minutes.map((minute, i) => minute.delivered > 0 && svg("g",
				svg("title", `${clock(minute.at)}: half waited at most ${
					milliseconds(minute.waited_median_ms)}, the longest ${
					milliseconds(minute.waited_most_ms)}`),
				svg("rect", { class: "chart-hit", x: x(i, minutes.length),
					y: TOP, width: plot.width / minutes.length,
					height: plot.height }),
				svg("line", { class: "chart-range", x1: middle(i),
					x2: middle(i), y1: y(minute.waited_median_ms),
					y2: y(minute.waited_most_ms) }),
				svg("circle", { class: "chart-median", cx: middle(i),
					cy: y(minute.waited_median_ms), r: 2.5 }),
				svg("circle", { class: "chart-most", cx: middle(i),
					cy: y(minute.waited_most_ms), r: 2 }))),
			hours(minutes),
		])];
}

/* ---- both ---- */

function legend(entries) {
	return h("ul", { class: "legend", "aria-hidden": "true" },
		entries.map(([name, text]) => h("li",
			svg("svg", { class: "swatch", viewBox: "0 0 10 10" },
				svg("rect", { class: `chart-${name}`, width: 10,
					height: 10, rx: 2 })), text)));
}

function figure(title, [, said, drawn], entries) {
	const id = uniqueId("chart");

	return h("figure", { "aria-labelledby": id },
		h("figcaption", { id }, h("strong", title), " ",
			h("span", { class: "muted" }, said)),
		drawn, legend(entries));
}

function exactly(minutes) {
	const busy = minutes.filter((minute) => minute.accepted > 0 ||
	    minute.delivered > 0 || minute.failed > 0);

	return busy.length === 0 ? h("p", "Nothing happened in the last hour.")
		: table("The last hour by minutes", [
			{ label: "Minute" }, { label: "Accepted", class: "number" },
			{ label: "Delivered", class: "number" },
			{ label: "Failed", class: "number" },
			{ label: "Half waited at most", class: "number" },
			{ label: "Longest wait", class: "number" },
		], busy.reverse().map((minute) => [clock(minute.at),
			count(minute.accepted), count(minute.delivered),
			count(minute.failed), ...[minute.waited_median_ms,
				minute.waited_most_ms].map((ms) =>
				ms === undefined ? "–" : milliseconds(ms))]));
}

/*
 * Draws the charts in node and keeps them up to date.
 *
 * query   () => { tenant_id, channel }: whose hour; asked each time
 * signal  ends it
 *
 * Returns a function that draws them anew at once.
 */
export function charts(node, query, signal) {
	const pictures = h("div", { class: "charts" });
	const numbers = h("div");
	const details = h("details", h("summary", "As a table"), numbers);
	const hint = h("p", { class: "help", hidden: true },
		"So many channels are busy that not each is counted on its own.");

	const draw = async () => {
		const { minutes, complete } =
		    await api.get("/v1/rates", query(), { signal });

		fill(pictures,
			figure("Per minute", rates(minutes), [
				["delivered", "delivered"], ["failed", "failed"],
				["accepted", "accepted"]]),
			figure("Waiting time", waits(minutes), [
				["median", "half waited at most"],
				["most", "the longest"]]));
		hint.hidden = complete;
		if (details.open)
			fill(numbers, exactly(minutes));
		details.ontoggle = () => fill(numbers, exactly(minutes));
	};
	const quietly = () => draw().catch((err) => {
		if (err.name !== "Problem" && !signal.aborted)
			throw err;
	});
	const timer = setInterval(() => {
		if (!document.hidden)
			quietly();
	}, EVERY_MS);

	signal.addEventListener("abort", () => clearInterval(timer));
	fill(node, pictures, hint, details);
	quietly();
	return quietly;
}
