/*
 * pages/signin.js - name and password
 */
import { fill, h } from "../dom.js";
import { textField } from "../forms.js";
import { icon } from "../icons.js";
import { signIn } from "../session.js";
import { note } from "../ui.js";

/* What to say of a refused sign-in. */
function reason(err) {
	if (err.status === 401)
		return "That name and password do not belong together.";
	if (err.status === 429)
		return err.retryAfter
			? `Too many attempts. Try again in ${err.retryAfter} s.`
			: "Too many attempts. Try again later.";
	return err.message;
}

/* Shows the form in root; calls done when somebody is signed in. */
export function showSignIn(root, done, message) {
	const name = textField("user", "User name", { required: true,
		autocomplete: "username", autocapitalize: "none",
		spellcheck: "false" });
	const password = textField("password", "Password", { type: "password",
		required: true, autocomplete: "current-password" });
	const submit = h("button", { type: "submit",
		class: "button button-primary button-wide" }, "Sign in");
	const problem = h("div", { "aria-live": "assertive" });
	const form = h("form", { class: "signin-form", novalidate: true },
		problem, name.node, password.node, submit);

	if (message)
		fill(problem, note("info", message));
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		if (submit.getAttribute("aria-busy") === "true")
			return;
		submit.setAttribute("aria-busy", "true");
		try {
			await signIn(name.value(), password.value());
			done();
		} catch (err) {
			fill(problem, note("bad", reason(err)));
			password.set("");
			password.focus();
		} finally {
			submit.removeAttribute("aria-busy");
		}
	});
	fill(root, h("main", { class: "signin", id: "main" },
		h("div", { class: "signin-card" },
			h("h1", { class: "brand" }, icon("bell"), "belfry"),
			h("p", { class: "lead" }, "Sign in to see and set where notifications go."),
			form)));
	document.title = "Sign in · belfry";
	name.focus();
}
