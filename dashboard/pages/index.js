/*
 * pages/index.js - the pages, in the order of the navigation
 *
 * A page with nav { label, picture, group } stands in the navigation, under its group:
 * Settings, Activity or Administration. One with scope is only for who has it: "admin",
 * or "manage", which an admin has too.
 */
import account from "./account.js";
import audit from "./audit.js";
import { channel, channels } from "./channels.js";
import { newChannel, savedChannel } from "./channel_settings.js";
import deliveries from "./deliveries.js";
import delivery from "./delivery.js";
import explain from "./explain.js";
import modules from "./modules.js";
import settings from "./settings.js";
import tenants from "./tenants.js";
import tokens from "./tokens.js";

export const pages = [
	settings,
	newChannel,
	savedChannel,
	deliveries,
	delivery,
	channels,
	channel,
	explain,
	modules,
	tenants,
	tokens,
	audit,
	account,
];
