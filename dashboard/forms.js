/*
 * forms.js - fields: a label, a control, a sentence of help, and room for what is
 * wrong with it
 *
 * Every field is { name, node, required, value(), set(value), focus(), error(text) }. Its
 * control tells of a change by the event "input", which bubbles to the form.
 */
import { fill, h, uniqueId } from "./dom.js";
import { icon } from "./icons.js";


/* Joins a control with its label, help and error. control is what gets the
 * focus and is described by them. */
export function fieldOf(name, label, control, { help, wide, required, extra,
	optional } = {}) {
	const id = control.id || uniqueId("field");
	const helpId = `${id}-help`, errorId = `${id}-error`;
	const problem = h("p", { class: "field-error", id: errorId,
		hidden: true });

	control.id = id;
	control.setAttribute("aria-describedby",
	    help ? `${helpId} ${errorId}` : errorId);
	return {
		name, label, control, required,
		node: h("div", { class: `field${wide ? " field-wide" : ""}`,
			data: { field: name } },
		h("label", { for: id }, label,
			required ? h("span", { class: "required",
				"aria-hidden": "true" }, " *") : null,
			optional ? h("span", { class: "optional" }, " optional")
				: null),
		extra || control,
		help ? h("p", { class: "help", id: helpId }, help) : null,
		problem),
		value: () => control.value,
		set(value) {
			control.value = value ?? "";
		},
		focus: () => control.focus(),
		error(text) {
			problem.hidden = !text;
			fill(problem, text ? [icon("warning"), text] : null);
			if (text)
				control.setAttribute("aria-invalid", "true");
			else
				control.removeAttribute("aria-invalid");
		},
	};
}

/* One line of text. type: "text", "password", "email", "url", "number"... */
export function textField(name, label, { type = "text", help, wide, required,
	value, optional, ...attributes } = {}) {
	const control = h("input", { type, name, required,
		autocomplete: "off", ...attributes });

	control.value = value ?? "";
	return fieldOf(name, label, control, { help, wide, required, optional });
}

/* choices: [[value, label]]. */
export function selectField(name, label, choices, { help, wide, value, required,
	...attributes } = {}) {
	const control = h("select", { name, ...attributes },
		choices.map(([key, text]) => h("option", { value: key }, text)));

	control.value = value ?? choices[0][0];
	return fieldOf(name, label, control, { help, wide, required });
}

/* Several lines. */
export function areaField(name, label, { help, wide = true, value, required,
	rows = 4, ...attributes } = {}) {
	const control = h("textarea", { name, rows, required, spellcheck: "false",
		...attributes });

	control.value = value ?? "";
	return fieldOf(name, label, control, { help, wide, required });
}

/* On or off: a switch. What it switches is seen beside it, or with hiddenLabel
 * only heard; then worded says "On" or "Off" in its place. */
export function switchControl(label, { checked = false, disabled = false, change,
	hiddenLabel = false, worded = false } = {}) {
	const input = h("input", { type: "checkbox", role: "switch", checked,
		disabled });

	if (change)
		input.addEventListener("change", () => change(input));
	return h("label", { class: "switch" }, input,
		h("span", { class: "switch-track", "aria-hidden": "true" }),
		h("span", { class: hiddenLabel ? "visually-hidden" : "switch-label" },
			label),
		worded ? h("span", { class: "switch-word", "aria-hidden": "true" })
			: null);
}

export function switchField(name, label, { help, value = false } = {}) {
	const node = switchControl(label, { checked: value });
	const input = node.querySelector("input");
	const field = fieldOf(name, "", input, { help, extra: node });

	field.label = label;
	field.node.querySelector("label[for]").remove();
	field.value = () => input.checked;
	field.set = (on) => {
		input.checked = Boolean(on);
	};
	return field;
}

/* A list of texts, a line each: addresses, patterns. */
export function linesField(name, label, options = {}) {
	const field = areaField(name, label, { rows: 3, ...options,
		value: (options.value || []).join("\n") });

	field.value = () => field.control.value.split("\n")
		.map((line) => line.trim()).filter(Boolean);
	field.set = (lines) => {
		field.control.value = (lines || []).join("\n");
	};
	return field;
}

/* Shows what is wrong with a field, and puts the focus on it. */
export function showAt(field, text) {
	field.error(text);
	field.reveal?.();
	field.focus();
}

/*
 * Where a problem's field (a JSON pointer, RFC 6901) belongs among fields that
 * are named by pointers: the field of the longest beginning. A module that checks its
 * settings as a whole names the one that is to blame in its text only. Shows it there,
 * under the field's label and so without that name, and puts the focus on it; false if
 * there is none.
 */
export function showProblem(problem, fields) {
	const [, word, text] =
	    /^([\w-]+): (.*)$/s.exec(problem.message) || [];
	const place = problem.field === "/settings" && word
		? `/settings/${word}` : problem.field || "";
	const found = fields
		.filter(({ name }) => place === name || place.startsWith(`${name}/`))
		.sort((a, b) => b.name.length - a.name.length)[0];

	if (!found)
		return false;
	showAt(found, found.name.endsWith(`/${word}`) ? text : problem.message);
	return true;
}

/* Whether every field has what it needs. Those that have not say so, all at once, and
 * the first gets the focus. */
export function areFilled(fields) {
	const bare = fields.filter((field) => field.required &&
		!field.isKept?.() && String(field.value() ?? "") === "");

	for (const field of bare.reverse())
		showAt(field, "This is missing.");
	return bare.length === 0;
}

export function clearErrors(fields) {
	fields.forEach((field) => field.error(null));
}

