/*
 * icons.js - the few pictures, drawn on 16 by 16
 *
 * They decorate: the words beside them, or the label of their button, say the
 * same.
 */
import { svg } from "./dom.js";

const paths = {
	bell: "M8 2a3.6 3.6 0 0 0-3.6 3.7c0 3-1.4 4-1.9 5h11c-.5-1-1.9-2-1.9-5A3.6 3.6 0 0 0 8 2zM6.6 12.8a1.5 1.5 0 0 0 2.8 0",
	inbox: "M2 9.5 4 3h8l2 6.5V13H2zM2 9.5h3.5l1 1.5h3l1-1.5H14",
	question: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.3 6.3a1.7 1.7 0 1 1 2.4 1.6c-.5.3-.7.6-.7 1.2M8 11.2v.1",
	box: "M8 1.8 13.5 4.7v6.6L8 14.2 2.5 11.3V4.7zM2.5 4.7 8 7.7l5.5-3M8 7.7v6.5",
	list: "M5.5 4H14M5.5 8H14M5.5 12H14M2.3 4h.1M2.3 8h.1M2.3 12h.1",
	people: "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 13.5c.3-2.5 2-4 4.5-4s4.2 1.5 4.5 4M10.5 2.7a2.4 2.4 0 0 1 0 4.6M12 9.8c1.5.5 2.4 1.9 2.6 3.7",
	key: "M5.3 13.3a2.7 2.7 0 1 0 0-5.3 2.7 2.7 0 0 0 0 5.3zM7.3 8.8 13.5 2.5M11 5l2 2",
	person: "M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8zM2.5 14c.5-2.8 2.5-4.3 5.5-4.3s5 1.5 5.5 4.3",
	mail: "M2 3.5h12v9H2zM2 4l6 5 6-5",
	hook: "M6.2 6.8 4 10.5a2 2 0 1 0 1.6 2h4.9M9.8 6.8 8 3.8a2 2 0 1 0-1.8 3M9 5.8l2.2 4.2a2 2 0 1 1-.9 3.5",
	chat: "M2 3h12v8H7.5L4.5 13.5V11H2z",
	plug: "M5.5 2v3.5M10.5 2v3.5M3.5 5.5h9V8a4.5 4.5 0 0 1-9 0zM8 12.5V15",
	lock: "M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
	plus: "M8 3v10M3 8h10",
	close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
	check: "M3 8.5 6.5 12 13 4.5",
	cross: "M4 4l8 8M12 4l-8 8",
	warning: "M8 2 14.5 13.5h-13zM8 6.3v3.5M8 11.7v.1",
	info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.5M8 5.1v.1",
	menu: "M2 4h12M2 8h12M2 12h12",
	back: "M9.5 3 4.5 8l5 5",
	next: "M6.5 3l5 5-5 5",
	refresh: "M13.2 6.5A5.5 5.5 0 1 0 13.5 9M13.5 3v3.7H9.8",
	copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
	clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.3 1.6",
	exit: "M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3",
	sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
};

export function icon(name) {
	return svg("svg", { class: "icon", viewBox: "0 0 16 16",
		width: 16, height: 16, "aria-hidden": "true", focusable: "false" },
	svg("path", { d: paths[name] }));
}
