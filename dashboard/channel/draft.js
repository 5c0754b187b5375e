/*
 * channel/draft.js - what a form holds, against what is saved
 *
 * A field is changed if it holds something else than after it was filled. Only what is
 * changed is sent, so a change that somebody else makes meanwhile to another field
 * stays; one to the same field is shown beside what was typed.
 */

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/* The member of a channel that a field's pointer names: "/settings/host". */
function memberOf(channel, pointer) {
	return pointer.split("/").slice(1).reduce((value, name) =>
		value?.[name], channel);
}

const settingOf = (field) =>
	/^\/settings\/([^/]+)$/.exec(field.name)?.[1];

/* Fills a field with what a channel, or null, has. Secrets are names only. */
function fillField(field, channel) {
	const setting = settingOf(field);
	const secrets = channel?.secrets || [];

	if (setting && field.isSecret)
		field.set(secrets.includes(setting));
	else if (setting && field.isPairs)
		field.set(memberOf(channel, field.name), secrets
			.filter((name) => name.startsWith(`${setting} `))
			.map((name) => name.slice(setting.length + 1)));
	else
		field.set(channel ? memberOf(channel, field.name) : null);
	field.filled = field.value();
}

export function makeDraft(fields, channel) {
	let base = channel;
	const changed = () =>
		fields.filter((field) => !same(field.value(), field.filled));

	fields.forEach((field) => fillField(field, channel));

	/* What is saved and has no field: the secret before, and until when it
	 * signs. */
	function fieldless() {
		const shown = new Set(fields.map(settingOf));

		return [...Object.keys(base?.settings || {}),
			...(base?.secrets || []).map((name) => name.split(" ")[0])]
			.filter((name) => !shown.has(name));
	}

	/* The field by which the channel goes to another place now. Saved secrets
	 * don't go along, and one without a field can't be written anew. */
	const movedBy = () => changed().find(({ isPlace }) => isPlace);

	/* An object with the members of some fields. */
	function bodyOf(some) {
		const body = {};

		for (const field of some) {
			const setting = settingOf(field);
			const value = field.value();

			if (value === undefined)
				continue;
			if (setting) {
				body.settings ||= {};
				body.settings[setting] = value;
			} else {
				body[field.name.slice(1)] = value;
			}
		}
		return body;
	}

	return {
		isDirty: () => changed().length > 0,

		/* For PATCH: null takes a member back to its default. */
		changes() {
			const body = bodyOf(changed());

			if (movedBy()) {
				for (const name of fieldless())
					body.settings[name] = null;
			}
			return body;
		},

		/* For POST: what was said, and no default. */
		whole: () => bodyOf(fields.filter((field) =>
			field.value() !== null && !same(field.value(), field.filled))),

		/* For a test: the settings as they are now. */
		settings() {
			const body = bodyOf(fields.filter((field) =>
				(settingOf(field) || field.name === "/timeout") &&
				(field.value() !== null || field.isSecret)));

			for (const name of fieldless()) {
				const value = movedBy() ? null : base.settings[name];

				if (value !== undefined)
					(body.settings ||= {})[name] = value;
			}
			return body;
		},

		/* The fields whose saved secrets would have to go along to another
		 * place, and the one that says where: [[field, place]]. */
		leftBehind() {
			const place = movedBy();

			return !place ? [] : fields.filter((field) =>
				!field.isPlace && field.hasSaved?.())
				.map((field) => [field, place]);
		},

		/* Fills the form with what is saved. */
		reset(now) {
			base = now;
			fields.forEach((field) => fillField(field, now));
		},

		/*
		 * Makes what is in the form a new channel's, after the saved one was
		 * deleted. Nothing that was typed is lost; saved secrets are.
		 */
		detach() {
			base = null;
			for (const field of fields) {
				const value = field.value();

				if (field.forget) {
					field.forget();
					field.filled = field.isPairs ? [] : undefined;
				} else {
					fillField(field, null);
					field.set(value);
				}
			}
		},

		/*
		 * Takes up what somebody else saved meanwhile. What was not typed
		 * here becomes theirs; of what was, [field, theirs] is answered for
		 * those that both changed. Nothing that was typed is lost.
		 */
		rebase(now) {
			const mine = new Set(changed());
			const both = [];
			let theirs = 0;

			for (const field of fields) {
				const value = memberOf(now, field.name);

				if (!field.isSecret &&
				    same(memberOf(base, field.name), value))
					continue;
				if (mine.has(field)) {
					if (!field.isSecret)
						both.push([field, value]);
				} else {
					fillField(field, now);
					theirs += 1;
				}
			}
			base = now;
			return { both, theirs };
		},
	};
}
