/*
 * pages/signin.js - name and password
 */
import { fill, h } from "../dom.js";
import { areFilled, clearErrors, textField } from "../forms.js";
import { icon } from "../icons.js";
import { signIn } from "../session.js";
import { busyWhile, dialog, note } from "../ui.js";

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

/* The form: { node, focus() }. done is called when somebody is signed in; user is
 * whom it is about, if that is known. */
export function signInForm(done, { message, user } = {}) {
	const name = textField("user", "User name", { required: true, value: user,
		autocomplete: "username", autocapitalize: "none",
		spellcheck: "false" });
	const password = textField("password", "Password", { type: "password",
		required: true, autocomplete: "current-password" });
	const submit = h("button", { type: "submit",
		class: "button button-primary button-wide" }, "Sign in");
	const problem = h("div", { "aria-live": "assertive" });
	const fields = [name, password];
	const send = async () => {
		clearErrors(fields);
		if (!areFilled(fields))
			return;
		try {
			await signIn(name.value(), password.value());
		} catch (err) {
			fill(problem, note("bad", reason(err)));
			password.set("");
			password.focus();
			return;
		}
		done();
	};

	if (message)
		fill(problem, note("info", message));
	return {
		node: h("form", { class: "signin-form", novalidate: true, on: {
			submit: (event) => {
				event.preventDefault();
				busyWhile(submit, send);
			},
		} }, problem, name.node, password.node, submit),
		focus: () => (user ? password : name).focus(),
	};
}

/* Shows the form in root, and nothing else. */
export function showSignIn(root, done, message) {
	const form = signInForm(done, { message });

	fill(root, h("main", { class: "signin", id: "main" },
		h("div", { class: "signin-card" },
			h("h1", { class: "brand" }, icon("bell"), "belfry"),
			h("p", { class: "lead" }, "Sign in to see and set where notifications go."),
			form.node)));
	document.title = "Sign in · belfry";
	form.focus();
}

/* Asks again for the password of somebody whose session ended in the middle of
 * something. Resolves with whether they are signed in again. */
export async function signInAgain(user) {
	return await dialog("Your session has ended", (close) => ({
		body: signInForm(() => close(true), { user,
			message: "Sign in to go on. What you typed is still here." })
			.node,
	})) === true;
}
