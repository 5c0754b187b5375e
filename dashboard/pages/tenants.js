import { fill } from "../dom.js";
import { pageHead } from "../ui.js";

async function open(context) {
	fill(context.root, pageHead("Tenants"));
}

export default {
	path: "/tenants", scope: "admin", title: "Tenants", open,
	nav: { label: "Tenants", picture: "people", group: "Administration" },
};
