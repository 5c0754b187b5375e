/*
 * channel/filter_field.js - which events a channel gets
 *
 * An empty list is all of them. A list holds names, patterns with a star, and
 * category:NAME (contract: "Filtering"); what is no box here is kept as it was written.
 */
import { fill, h, uniqueId } from "../dom.js";
import { icon } from "../icons.js";

/* Belfry's own events concern the operator: they come last. */
const OWN = "belfry";

/* Map of category to types, in the order in which they come. */
export function byCategory(types) {
	const groups = new Map();
	const own = ({ category }) => Number(category === OWN);

	for (const type of types.toSorted((a, b) => own(a) - own(b))) {
		if (!groups.has(type.category))
			groups.set(type.category, []);
		groups.get(type.category).push(type);
	}
	return groups;
}

/* "scheduled_operation" -> "Scheduled operation". */
export function categoryTitle(category) {
	if (category === OWN)
		return "Belfry itself";
	const words = category.replaceAll("_", " ");

	return words.charAt(0).toUpperCase() + words.slice(1);
}

/* value() is the list. The whole form's change event tells of a change. */
export function filterField(name, types) {
	const id = uniqueId("filter");
	const all = h("input", { type: "radio", name: id, value: "all" });
	const some = h("input", { type: "radio", name: id, value: "some" });
	const more = h("input", { id: `${id}-more`, spellcheck: "false",
		placeholder: "deploy_* category:backups",
		"aria-describedby": `${id}-help` });
	const boxes = new Map();
	const problem = h("p", { class: "field-error", hidden: true });

	const box = (word, text, off) => {
		const input = h("input", { type: "checkbox", value: word });

		boxes.set(word, input);
		return h("label", { class: "check" }, input, h("span", text,
			off ? h("span", { class: "muted" }, " (off)") : null));
	};
	/* A category that is taken whole has its types with it. */
	const follow = () => {
		for (const [category, group] of byCategory(types)) {
			const whole = boxes.get(`category:${category}`).checked;

			for (const type of group)
				boxes.get(type.name).disabled = whole;
		}
	};
	const groups = [...byCategory(types)].map(([category, group]) =>
		h("fieldset", { class: "filter-group" },
			h("legend", box(`category:${category}`,
				`All of ${categoryTitle(category).toLowerCase()}`)),
			group.map((type) => box(type.name, h("code", type.name),
				!type.enabled))));
	const choices = h("div", { class: "filter-some" },
		h("div", { class: "filter-groups" }, groups),
		h("div", { class: "field" },
			h("label", { for: `${id}-more` }, "Patterns"),
			more,
			h("p", { class: "help", id: `${id}-help` },
				"Further names, patterns with a star, or category:NAME, with blanks between.")));
	const draw = () => {
		choices.hidden = !some.checked;
		follow();
	};
	const node = h("fieldset", { class: "field field-wide",
		data: { field: name }, on: { change: draw } },
	h("legend", { class: "visually-hidden" }, "Events"),
	h("label", { class: "check" }, all, "All event types that are on"),
	h("label", { class: "check" }, some, "Only these"),
	choices, problem);

	return {
		name, node, control: all,
		value() {
			if (!some.checked)
				return [];
			return [
				...[...boxes].filter(([, input]) =>
					input.checked && !input.disabled)
					.map(([word]) => word),
				...more.value.split(/\s+/).filter(Boolean),
			];
		},
		set(words) {
			const list = words || [];

			all.checked = list.length === 0;
			some.checked = list.length > 0;
			for (const [word, input] of boxes)
				input.checked = list.includes(word);
			more.value = list.filter((word) => !boxes.has(word)).join(" ");
			draw();
		},
		focus: () => (some.checked ? more : all).focus(),
		error(text) {
			problem.hidden = !text;
			fill(problem, text ? [icon("warning"), text] : null);
		},
	};
}
