/*
 * session.js - who is signed in, and whose things are shown
 */
import { api } from "./api.js";

const KEPT = "belfry-tenant";

/* user, scope, tenant_id and default_tenant as GET /v1/session has them; tenant
 * is the one whose things are shown, which only an admin can choose. */
export const session = {
	user: null, scope: null, tenant_id: null, default_tenant: null,
	version: null, tenant: null,
};

export const isAdmin = () => session.scope === "admin";

/* Whether the user may change the tenant's things. */
export const mayManage = () => isAdmin() || session.scope === "manage";

function take(answer) {
	const { csrf_token: csrf, ...rest } = answer;

	Object.assign(session, rest);
	api.csrf = csrf;
	session.tenant = isAdmin()
		? sessionStorage.getItem(KEPT) || session.tenant_id
		: session.tenant_id;
}

export function forget() {
	for (const name of Object.keys(session))
		session[name] = null;
	api.csrf = null;
	sessionStorage.removeItem(KEPT);
}

/* Takes up the session of the cookie; false if there is none. */
export async function resume() {
	try {
		take(await api.get("/v1/session"));
		return true;
	} catch (err) {
		if (err.status === 401)
			return false;
		throw err;
	}
}

export async function signIn(user, password) {
	take(await api.post("/v1/session", { user, password }));
}

/* Ends this session, or with everywhere all of the user's. */
export async function signOut(everywhere = false) {
	await api.remove(everywhere ? "/v1/sessions" : "/v1/session");
	forget();
}

export function chooseTenant(id) {
	session.tenant = id;
	sessionStorage.setItem(KEPT, id);
}
