/*
 * channel/settings_fields.js - a module's settings as fields, from their JSON Schema
 *
 * The schema comes from the module's table of directives (GET /v1/modules/NAME),
 * so a module that somebody drops in has a form.
 */
import { linesField, selectField, switchField, textField }
	from "../forms.js";
import { labelOf } from "./kinds.js";
import { pairsField } from "./pairs_field.js";
import { secretField } from "./secret_field.js";

/* What a property holds, of all the forms that it may be given in. */
export function typeOf(property) {
	const forms = property.anyOf || [property];
	const has = (test) => forms.some(test);
	const choices = forms.find((form) => form.type === "string" && form.enum);

	if (has((form) => form.type === "array" && form.items.type === "array"))
		return { type: "pairs" };
	if (has((form) => form.type === "array"))
		return { type: "words" };
	if (has((form) => form.type === "boolean"))
		return { type: "flag" };
	if (choices)
		return { type: "choice", choices: choices.enum };
	if (property.writeOnly)
		return { type: "secret" };
	const number = forms.find((form) => form.type === "integer");
	const size = has((form) => form.pattern?.includes("gGmMkK"));

	if (number && !size)
		return { type: "integer", min: number.minimum,
			max: number.maximum };
	if (size)
		return { type: "size" };
	if (has((form) => form.format === "uri"))
		return { type: "url" };
	if (has((form) => form.format === "date-time"))
		return { type: "instant" };
	if (has((form) => form.pattern?.includes("[wW]")))
		return { type: "duration" };
	return { type: "text" };
}

/* Words as the API has them, for a control that has them as one text. */
const asText = (value) => Array.isArray(value) ? value.join(" ") : value;

function choiceField(name, label, choices, property, options) {
	const fallback = property.default;
	const entries = fallback === undefined && !options.required
		? [["", "—"], ...choices] : choices;
	const field = selectField(name, label, entries.map(([key, text]) =>
		[key, key === fallback ? `${text} (default)` : text]), {
		...options, value: fallback ?? entries[0][0] });
	const { set } = field;

	field.set = (value) => set(asText(value) ?? fallback ?? entries[0][0]);
	field.value = () => {
		const words = field.control.value.split(" ");

		return !words[0] ? null : words.length > 1 ? words : words[0];
	};
	return field;
}

/* A field of one line; convert makes of its text what is sent. */
function lineField(name, label, options, convert = (text) => text) {
	const field = textField(name, label, options);
	const { set } = field;

	field.value = () => {
		const text = field.control.value.trim();

		return text === "" ? null : convert(text);
	};
	field.set = (value) => set(asText(value));
	return field;
}

/* More than one line is shown of a list unless it is a sender's. */
function wordsField(name, label, options) {
	const field = linesField(name, label, { ...options, rows: 3 });
	const { value } = field;

	field.value = () => value().length > 0 ? value() : null;
	field.set = (words) => {
		field.control.value = (Array.isArray(words) ? words
			: words ? [words] : []).join("\n");
	};
	return field;
}

const hints = {
	duration: "A duration, as 30s, 5m or 2h.",
	size: "A size, as 64k or 1m.",
	instant: "A time, as 2026-12-31T00:00:00Z.",
};

function helpOf(property, { type, min, max }, own) {
	const help = own ?? property.description ?? "";
	const sentence = help && !/[.!?]$/.test(help) ? `${help}.` : help;

	if (own !== undefined)
		return own;
	if (hints[type])
		return `${sentence} ${hints[type]}`.trim();
	return type === "integer" && min !== undefined && min !== null
		? `${sentence} ${min} to ${max}.`.trim() : sentence;
}

/* The field of one setting; null for one that only the conf file may have. */
export function settingField(kind, name, property, required) {
	const known = kind.fields[name] || {};
	const label = labelOf(kind, name);
	const place = `/settings/${name}`;
	const what = typeOf(property);
	const options = {
		required, wide: known.wide, placeholder: known.placeholder
			?? (property.default === undefined ? null
				: String(property.default)),
		help: helpOf(property, what, known.help),
	};

	if (property.readOnly || known.onlyConf || known.rotation)
		return null;
	if (known.choices)
		return choiceField(place, label, known.choices, property, options);
	switch (what.type) {
	case "pairs":
		return pairsField(place, label, { help: options.help,
			pair: known.pair });
	case "words":
		return name === "from" || name === "reply_to"
			? lineField(place, label, options)
			: wordsField(place, label, options);
	case "flag": {
		const field = switchField(place, label, options);
		const { set } = field;

		field.set = (value) => set((value ?? property.default) === "on" ||
			value === true);
		field.set(null);
		return field;
	}
	case "choice":
		return choiceField(place, label,
			what.choices.map((choice) => [choice, choice]), property,
			options);
	case "secret":
		return secretField(place, label, { ...options, placeholder: null,
			plain: known.plain, generate: known.generate });
	case "integer":
		return lineField(place, label, { ...options, inputmode: "numeric" },
			(text) => /^-?\d{1,15}$/.test(text) ? Number(text) : text);
	case "url":
		return lineField(place, label, { ...options, inputmode: "url",
			wide: true });
	default:
		return lineField(place, label, options);
	}
}

/* Whether a setting says where the channel connects to, as the daemon has it:
 * saved secrets don't go along when it changes. */
function isPlace(name, property) {
	return name === "host" || (property.anyOf || [property])
		.some(({ format, type }) => format === "uri" ||
			(name === "port" && type === "integer"));
}

/*
 * The fields of a module: { first, more, onlyConf }, where onlyConf are the names of
 * settings that the conf file alone may have.
 */
export function settingsFields(kind, schema) {
	const required = new Set(schema.required);
	const names = Object.keys(schema.properties);
	const made = new Map(names.map((name) => {
		const property = schema.properties[name];
		const field = settingField(kind, name, property,
			required.has(name));

		if (field)
			field.isPlace = isPlace(name, property);
		return [name, field];
	}));
	const leading = kind.first || names;
	const ordered = [...leading.filter((name) => made.has(name)),
		...names.filter((name) => !leading.includes(name))];
	const fieldsOf = (list) => list.map((name) => made.get(name))
		.filter(Boolean);

	return {
		first: fieldsOf(ordered.filter((name) => leading.includes(name))),
		more: fieldsOf(ordered.filter((name) => !leading.includes(name))),
		onlyConf: names.filter((name) => schema.properties[name].readOnly ||
			kind.fields[name]?.onlyConf),
	};
}
