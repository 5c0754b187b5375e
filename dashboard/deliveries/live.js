/*
 * deliveries/live.js - deliveries as they change, gathered for the eye
 *
 * A busy daemon tells thousands of changes a second. They are gathered, the last of
 * each delivery, and handed over a few times a second.
 */
import { api } from "../api.js";

const EVERY_MS = 300;
const GATHERED_MOST = 4000; /* deliveries; then the oldest are left out */

/*
 * changed  called with the changes, newest delivery first, and whether some were
 *          left out: there were too many, or the daemon told only how many. A change
 *          without "event" is one of a delivery that was known before
 * wanted   which of them count
 * state    called with true when the stream stands, false when it broke
 * signal   ends it
 */
export function liveDeliveries({ changed, wanted, state, signal }) {
	const gathered = new Map();
	let timer = null, missed = false;

	const hand = () => {
		const changes = [...gathered.values()]
			.sort((a, b) => a.id < b.id ? 1 : -1);

		const some = missed;

		timer = null;
		missed = false;
		gathered.clear();
		changed(changes, some);
	};

	api.follow("/v1/deliveries/stream", { signal, state, listener(delivery) {
		if (!delivery.id) {
			missed = true;
			timer ??= setTimeout(hand, EVERY_MS);
			return;
		}
		if (!wanted(delivery))
			return;
		const before = gathered.get(delivery.id);

		gathered.delete(delivery.id);
		gathered.set(delivery.id, { ...before, ...delivery });
		if (gathered.size > GATHERED_MOST) {
			gathered.delete(gathered.keys().next().value);
			missed = true;
		}
		timer ??= setTimeout(hand, EVERY_MS);
	} });
	signal.addEventListener("abort", () => clearTimeout(timer));
}
