/*
 * theme.js - light, dark, or as the system has it
 *
 * Runs before the first paint, so that nobody sees the other theme flash. The
 * choice is the browser's, not the user's account's: a phone at night may differ
 * from the screen on the wall.
 */
"use strict";

(() => {
	const key = "belfry-theme";
	const root = document.documentElement;

	/* "light", "dark", or "" for the system's. */
	function get() {
		try {
			return localStorage.getItem(key) || "";
		} catch {
			return ""; /* storage is switched off */
		}
	}

	function set(theme) {
		if (theme)
			root.dataset.theme = theme;
		else
			delete root.dataset.theme;
		try {
			if (theme)
				localStorage.setItem(key, theme);
			else
				localStorage.removeItem(key);
		} catch {
			/* then it lasts as long as the page */
		}
	}

	set(get());
	window.belfryTheme = { get, set };
})();
