/*
 * channel/secret_field.js - what can be written and never read
 */
import { h } from "../dom.js";
import { fieldOf } from "../forms.js";
import { button } from "../ui.js";

/* A secret for a receiver of Standard Webhooks: 32 random bytes. */
export function generateSecret() {
	const bytes = crypto.getRandomValues(new Uint8Array(32));

	return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}

/*
 * value() is the text that was typed, null if the saved one is to go, and
 * undefined if it stays. set(saved) says whether there is one.
 *
 * plain     shown while it is typed, as a user name
 * generate  with a button that makes one
 */
export function secretField(name, label, { required, plain, generate, ...rest }) {
	const input = h("input", { type: plain ? "text" : "password",
		autocomplete: plain ? "off" : "new-password", spellcheck: "false" });
	const tell = () => input.dispatchEvent(
		new Event("input", { bubbles: true }));
	let isSaved = false, removed = false;

	const show = (shown) => {
		if (plain)
			return;
		input.type = shown ? "text" : "password";
		reveal.setAttribute("aria-pressed", String(shown));
	};
	const reveal = button("Show", () => show(input.type === "password"),
		{ "aria-label": `Show ${label}`, "aria-pressed": "false",
			hidden: plain });
	const make = button("Generate", () => {
		input.value = generateSecret();
		show(true);
		tell();
	}, { hidden: !generate });
	const remove = button("Remove", () => {
		removed = !removed;
		input.value = "";
		draw();
		tell();
	}, { "aria-label": `Remove the saved ${label}` });
	const draw = () => {
		input.placeholder = !isSaved ? ""
			: removed ? "Will be removed" : "Saved; kept if left empty";
		input.disabled = removed;
		remove.hidden = !isSaved || required;
		remove.firstChild.textContent = removed ? "Keep" : "Remove";
		remove.setAttribute("aria-label", removed
			? `Keep the saved ${label}` : `Remove the saved ${label}`);
	};
	const field = fieldOf(name, label, input, { ...rest, required,
		extra: h("div", { class: "inline" }, input, reveal, make, remove) });

	field.value = () => removed ? null : input.value || undefined;
	field.set = (saved) => {
		isSaved = Boolean(saved);
		removed = false;
		input.value = "";
		show(false);
		draw();
	};
	/* The saved one is there no more; what was typed stays. */
	field.forget = () => {
		isSaved = removed = false;
		draw();
	};
	field.isSecret = true;
	field.isKept = () => isSaved && !removed;
	field.hasSaved = () => field.isKept() && input.value === "";
	field.remedy = `enter it again${required ? "" : ", or press Remove"}`;
	field.set(false);
	return field;
}
