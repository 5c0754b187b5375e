/*
 * dom.js - elements out of values
 *
 * Text becomes text nodes and attributes are set by name: nothing here, and
 * nothing that is built with it, ever parses markup. So what an event, a channel
 * or an endpoint's answer holds is shown, and can't act.
 */

const SVG = "http://www.w3.org/2000/svg";

function append(node, child) {
	if (child === null || child === undefined || child === false)
		return;
	if (Array.isArray(child))
		child.forEach((each) => append(node, each));
	else
		node.append(child instanceof Node ? child : String(child));
}

/* Attributes: { class, id, "aria-label", ... }; true is an empty attribute, null
 * and false leave it out. `on` has listeners by event, `data` goes to dataset,
 * `value`, `checked` and `indeterminate` are set as properties. */
function dress(node, attributes) {
	for (const [name, value] of Object.entries(attributes)) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name === "on") {
			for (const [event, listener] of Object.entries(value))
				node.addEventListener(event, listener);
		} else if (name === "data") {
			Object.assign(node.dataset, value);
		} else if (name === "value" || name === "checked" ||
		    name === "indeterminate") {
			node[name] = value;
		} else if (name === "style" || name.startsWith("on")) {
			throw new Error(`attribute ${name} is inline code or style`);
		} else {
			node.setAttribute(name, value === true ? "" : value);
		}
	}
}

function build(node, rest) {
	const [first] = rest;
	const plain = first && typeof first === "object" &&
	    !Array.isArray(first) && !(first instanceof Node);

	if (plain)
		dress(node, first);
	(plain ? rest.slice(1) : rest).forEach((child) => append(node, child));
	return node;
}

/* h("p", { class: "hint" }, "text", node, [nodes]): an element. The attributes
 * may be left out; null, undefined and false among the children are nothing. */
export function h(tag, ...rest) {
	return build(document.createElement(tag), rest);
}

/* The same in SVG. */
export function svg(tag, ...rest) {
	return build(document.createElementNS(SVG, tag), rest);
}

/* Puts children in place of what is in node. */
export function fill(node, ...children) {
	node.replaceChildren();
	append(node, children);
	return node;
}

let ids = 0;

/* An id that no other element of the page has. */
export function uniqueId(prefix = "n") {
	ids += 1;
	return `${prefix}-${ids}`;
}
