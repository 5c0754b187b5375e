/*
 * openapi.mjs - an OpenAPI document held against the specification's schema
 *
 *   node openapi.mjs FILE
 *
 * Run where the packages are installed; it asks nothing of the network.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const { Validator } = await import(
	pathToFileURL(require.resolve("@seriousme/openapi-schema-validator")));
const validator = new Validator();
const result = await validator.validate(
	JSON.parse(readFileSync(process.argv[2], "utf8")));

if (result.valid) {
	console.log(`OpenAPI ${validator.version}: valid`);
} else {
	console.error(JSON.stringify(result.errors, null, 1));
	process.exitCode = 1;
}
