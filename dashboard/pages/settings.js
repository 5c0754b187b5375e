import { fill } from "../dom.js";
import { pageHead } from "../ui.js";

async function open(context) {
	fill(context.root, pageHead("Notifications"));
}

export default {
	path: "/settings", title: "Notifications", open,
	nav: { label: "Notifications", picture: "bell", group: "Settings" },
};
