/*
 * ui.js - what every page is made of: buttons, badges, notes, tables, dialogs
 */
import { fill, h, uniqueId } from "./dom.js";
import { icon } from "./icons.js";

/* A button. kind: "primary", "danger", "quiet" or none; press may be async, and
 * the button is busy until it is done. */
export function button(label, press, { kind, picture, ...attributes } = {}) {
	const node = h("button", { type: "button",
		class: `button${kind ? ` button-${kind}` : ""}`, ...attributes },
	picture ? icon(picture) : null, label ? h("span", label) : null);

	if (press)
		node.addEventListener("click", () => busyWhile(node, press));
	return node;
}

/* A button that is a picture alone; label is for who does not see it. */
export function iconButton(picture, label, press, attributes = {}) {
	return button(null, press, { kind: "icon", picture, "aria-label": label,
		title: label, ...attributes });
}

/* Runs an action once, however often its button is pressed meanwhile. What it
 * throws is shown. */
export async function busyWhile(node, action) {
	if (node.getAttribute("aria-busy") === "true")
		return;
	node.setAttribute("aria-busy", "true");
	try {
		await action();
	} catch (err) {
		if (err.name !== "AbortError")
			failed(err);
	} finally {
		node.removeAttribute("aria-busy");
	}
}

const tones = {
	delivered: "good", running: "good", on: "good", success: "good",
	scheduled: "calm", sending: "calm", info: "calm",
	retry: "warn", paced: "warn", warning: "warn", stopped: "bad",
	failed: "bad", failing: "bad", faulty: "bad", error: "bad", critical: "bad",
};

/* A state in a word: delivered, failed, running, critical... */
export function badge(state, text = state) {
	return h("span", { class: `badge badge-${tones[state] || "plain"}` },
		text);
}

/* A sentence that stands out. tone: "info", "good", "warn" or "bad". */
export function note(tone, ...children) {
	const pictures = { info: "info", good: "check", warn: "warning",
		bad: "warning" };

	return h("div", { class: `note note-${tone}`,
		role: tone === "bad" ? "alert" : null },
	icon(pictures[tone]), h("div", children));
}

/* Where a conf file has something, which is why it can't be changed here. */
export function confPlace({ file, line }) {
	return h("span", { class: "place" }, icon("lock"),
		h("code", `${file}:${line}`));
}

/* Head of a page: its title, a sentence, and what can be done. */
export function pageHead(title, { lead, actions = [] } = {}) {
	return h("header", { class: "page-head" },
		h("div", h("h1", { tabindex: "-1" }, title),
			lead ? h("p", { class: "lead" }, lead) : null),
		actions.length ? h("div", { class: "actions" }, actions) : null);
}

/* A part of a page with its heading. */
export function panel(title, { lead, actions = [], id } = {}, ...children) {
	const heading = uniqueId("panel");

	return h("section", { class: "panel", "aria-labelledby": heading, id },
		h("header", { class: "panel-head" },
			h("div", h("h2", { id: heading }, title),
				lead ? h("p", { class: "lead" }, lead) : null),
			actions.length
				? h("div", { class: "actions" }, actions) : null),
		children);
}

/* columns: [{ label, class, hidden }]; rows: arrays of cells, or <tr>. The
 * caption is for who does not see the heading above. cards: where there is little room
 * each row becomes a card; else the table scrolls sideways. kind: a class of its own. */
export function table(caption, columns, rows, { cards = false, kind } = {}) {
	return h("div", { class: ["table-scroll", cards ? "cards" : "", kind || ""]
		.filter(Boolean).join(" "),
		tabindex: cards ? null : "0", role: "region",
		"aria-label": caption },
	h("table",
		h("caption", { class: "visually-hidden" }, caption),
		h("thead", h("tr", columns.map((column) =>
			h("th", { scope: "col", class: column.class },
				column.hidden
					? h("span", { class: "visually-hidden" },
						column.label)
					: column.label)))),
		h("tbody", rows.map((cells) => cells instanceof Node
			? cells
			: h("tr", cells.map((cell, i) =>
				h("td", { class: columns[i].class,
					data: { label: columns[i].label } },
				cell)))))));
}

/* What stands in place of an empty list. */
export function empty(text, action) {
	return h("div", { class: "empty" }, h("p", text), action || null);
}

export function loading(text = "Loading…") {
	return h("p", { class: "loading", role: "status" }, text);
}

/* Says something for a moment, at the edge of the window. */
export function toast(text, tone = "good") {
	const node = h("div", { class: `toast toast-${tone}` },
		icon(tone === "bad" ? "warning" : "check"), h("p", text));
	const close = () => node.remove();
	let timer = setTimeout(close, tone === "bad" ? 12000 : 5000);

	/* It stays while somebody reads it. */
	node.addEventListener("pointerenter", () => clearTimeout(timer));
	node.addEventListener("pointerleave", () => {
		timer = setTimeout(close, 3000);
	});
	node.append(iconButton("close", "Dismiss", close));
	document.getElementById("toasts").append(node);
}

/* Shows what went wrong where no place of its own fits. */
export function failed(err) {
	if (err.name !== "Problem")
		console.error(err);
	toast(err.retryAfter
		? `${err.message} Try again in ${err.retryAfter} s.`
		: err.message, "bad");
}

/*
 * Opens a dialog. make(close) gives its content and the buttons of its foot:
 * { body, foot }. Resolves with what close was called with; undefined if it was
 * dismissed. The focus is on the first field, and in the end where it was. wide: for
 * forms.
 */
export function dialog(title, make, { wide = false } = {}) {
	return new Promise((resolve) => {
		const heading = uniqueId("dialog");
		let result;
		const node = h("dialog", { class: wide ? "wide" : null,
			"aria-labelledby": heading });
		const close = (value) => {
			result = value;
			node.close();
		};
		const { body, foot = [] } = make(close);

		fill(node,
			h("header", h("h2", { id: heading }, title),
				iconButton("close", "Close", () => close())),
			h("div", { class: "dialog-body" }, body),
			foot.length ? h("footer", foot) : null);
		node.addEventListener("close", () => {
			node.remove();
			resolve(result);
		});
		document.body.append(node);
		node.showModal();
		/* The first that is to be filled in. */
		[...node.querySelectorAll(".dialog-body :is(input, select, textarea)")]
			.find((input, i, all) => !input.value || i === all.length - 1)
			?.focus();
	});
}

/* Asks before what can't be undone. Resolves with true or false. */
export async function confirm(title, text, action, kind = "danger") {
	return await dialog(title, (close) => ({
		body: h("p", text),
		foot: [
			button("Cancel", () => close(false), { autofocus: true }),
			button(action, () => close(true), { kind }),
		],
	})) === true;
}

/* A text with a button that copies it. */
export function copyable(text, label) {
	return h("div", { class: "copyable" }, h("code", { tabindex: "0" }, text),
		button("Copy", async () => {
			await navigator.clipboard.writeText(text);
			toast(`${label} copied`);
		}, { picture: "copy" }));
}
