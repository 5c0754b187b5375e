import { fill } from "../dom.js";
import { pageHead } from "../ui.js";

async function open(context) {
	fill(context.root, pageHead("Tokens"));
}

export default {
	path: "/tokens", scope: "manage", title: "Tokens", open,
	nav: { label: "Tokens", picture: "key", group: "Administration" },
};
