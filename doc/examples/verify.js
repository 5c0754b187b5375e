#!/usr/bin/env node
// verify.js - the three ways to verify a webhook, in JavaScript
//
// usage: WEBHOOK_SECRET=... verify.js < REQUEST
//
// REQUEST is header lines, an empty line, and the body, byte for byte. Prints
// which of the three hold; the exit status is 0 if all of them do. Needs
// nothing but Node; a receiver copies the function that it wants.
"use strict";
const crypto = require("node:crypto");

const hmac = (key, data, encoding) =>
	crypto.createHmac("sha256", key).update(data).digest(encoding);

// Takes as long for a wrong guess that begins well as for any other.
function same(a, b) {
	const left = Buffer.from(a), right = Buffer.from(b);
	return left.length === right.length &&
		crypto.timingSafeEqual(left, right);
}

// X-Reoclo-Signature-256 over the body (a Buffer) as it came: always possible.
function verifyRaw(secret, headers, body) {
	return same("sha256=" + hmac(secret, body, "hex"),
		headers["x-reoclo-signature-256"] || "");
}

// The same, where a framework has parsed the body. Holds only for what
// JavaScript writes back as it was: printable ASCII, whole numbers up to 2^53
// and plain fractions, no keys that look like numbers.
function verifyReserialised(secret, headers, payload) {
	return verifyRaw(secret, headers, Buffer.from(JSON.stringify(payload)));
}

// Standard Webhooks: id, time and body are signed. The only one that tells a
// request that somebody has kept and sends again.
function verifyStandard(secret, headers, body, tolerance = 300) {
	const sent = headers["webhook-timestamp"] || "";
	if (!/^[0-9]{1,12}$/.test(sent) ||
		Math.abs(Date.now() / 1000 - Number(sent)) > tolerance)
		return false;
	const key = secret.startsWith("whsec_") ?
		Buffer.from(secret.slice("whsec_".length), "base64") : secret;
	const expected = "v1," + hmac(key, Buffer.concat([
		Buffer.from(`${headers["webhook-id"] || ""}.${sent}.`), body,
	]), "base64");
	return (headers["webhook-signature"] || "").split(" ")
		.some((one) => same(one, expected));
}

function main() {
	const secret = process.env.WEBHOOK_SECRET;
	const request = require("node:fs").readFileSync(0);
	/* A byte a character, so that places in the text are places in the bytes. */
	const empty = /\r?\n\r?\n/.exec(request.toString("latin1"));
	const missing = !secret ? "the channel's secret in WEBHOOK_SECRET" :
		!empty ? "a request: headers, an empty line, the body" : null;
	if (missing) {
		console.error(`verify.js: expected ${missing}`);
		process.exitCode = 1;
		return;
	}
	const body = request.subarray(empty.index + empty[0].length);
	const headers = {};
	for (const line of request.subarray(0, empty.index).toString().split("\n")) {
		const colon = line.indexOf(":");
		headers[line.slice(0, colon).trim().toLowerCase()] =
			line.slice(colon + 1).trim();
	}
	const holds = {
		"raw body": verifyRaw(secret, headers, body),
		"re-serialised": verifyReserialised(
			secret, headers, JSON.parse(body)),
		"Standard Webhooks": verifyStandard(secret, headers, body),
	};
	for (const [name, held] of Object.entries(holds))
		console.log(`${name}: ${held ? "holds" : "does not hold"}`);
	process.exitCode = Object.values(holds).every(Boolean) ? 0 : 1;
}

module.exports = { verifyRaw, verifyReserialised, verifyStandard };
if (require.main === module)
	main();
