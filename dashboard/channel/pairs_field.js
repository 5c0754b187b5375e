/*
 * channel/pairs_field.js - names and values, such as headers; a value may be secret
 */
import { fill, h, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { button, iconButton } from "../ui.js";

/*
 * value() is a list of [name, value], where a value is a text, { secret: text }, or
 * null for a saved secret that is to go; saved ones that stay are left out, as
 * the API wants it. set(pairs, names of saved secrets).
 */
export function pairsField(name, label, { help, pair = ["Name", "Value"] } = {}) {
	const id = uniqueId("pairs");
	const list = h("ul", { class: "pairs" });
	const problem = h("p", { class: "field-error", hidden: true });
	const tell = () => list.dispatchEvent(new Event("input",
		{ bubbles: true }));
	let rows = [], gone = [];

	const drop = (row) => {
		if (row.saved)
			gone.push(row.saved);
		rows = rows.filter((each) => each !== row);
		row.node.remove();
		add.focus();
		tell();
	};
	const addSaved = (key) => {
		const row = { saved: key, json: () => undefined };

		row.node = h("li", h("code", key),
			h("span", { class: "muted" }, "saved secret"),
			iconButton("close", `Remove ${key}`, () => drop(row)));
		rows.push(row);
		list.append(row.node);
	};
	const addRow = (key = "", value = "") => {
		const left = h("input", { "aria-label": pair[0],
			placeholder: pair[0], spellcheck: "false" });
		const right = h("input", { "aria-label": pair[1],
			placeholder: pair[1], spellcheck: "false" });
		const secret = h("input", { type: "checkbox" });
		const row = { json: () => left.value || right.value
			? [left.value, secret.checked ? { secret: right.value }
				: right.value]
			: undefined };

		left.value = key;
		right.value = value;
		row.node = h("li", left, right,
			h("label", { class: "check" }, secret, "secret"),
			iconButton("close", `Remove ${pair[0].toLowerCase()}`,
				() => drop(row)));
		rows.push(row);
		list.append(row.node);
		return left;
	};
	const add = button("Add", () => addRow().focus(), { picture: "plus",
		"aria-label": `Add to ${label}` });

	return {
		name, control: add, isPairs: true,
		node: h("fieldset", { class: "field field-wide",
			data: { field: name }, "aria-describedby": `${id}-help` },
		h("legend", label), list, h("div", add),
		help ? h("p", { class: "help", id: `${id}-help` }, help) : null,
		problem),
		value: () => [
			...rows.map((row) => row.json()).filter(Boolean),
			...gone.filter((key) => !rows.some((row) =>
				row.json()?.[0] === key)).map((key) => [key, null]),
		],
		/* Saved ones are there no more; what was typed stays. */
		forget() {
			rows.filter((row) => row.saved)
				.forEach((row) => row.node.remove());
			rows = rows.filter((row) => !row.saved);
			gone = [];
		},
		hasSaved: () => rows.some((row) => row.saved),
		remedy: "remove the saved secrets, and add again what is needed",
		set(pairs, saved = []) {
			rows = [];
			gone = [];
			fill(list);
			(pairs || []).forEach(([key, value]) => addRow(key, value));
			saved.forEach(addSaved);
		},
		focus: () => (list.querySelector("input") || add).focus(),
		error(text) {
			problem.hidden = !text;
			fill(problem, text ? [icon("warning"), text] : null);
		},
	};
}
