/** How often the moment is written into the address while it plays, in milliseconds. */
const every = 5000;

/** A moment as near as this is the one that it is at, in seconds. */
const nearby = 1;

/**
 * moment is the time that an address asks for, #t=754 or #t=12m34s, in seconds; null
 * for none.
 * @param {string} hash
 */
export function moment(hash) {
	const m = /(?:^|[#&])t=(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d+)?)?s?(?:&|$)/.exec(hash);
	if (!m || !(m[1] || m[2] || m[3])) return null;
	return Number(m[1] ?? 0) * 3600 + Number(m[2] ?? 0) * 60 + Number(m[3] ?? 0);
}

/**
 * followAddress keeps the moment in the address, so that a reload or a bookmark comes
 * back to it, and goes where the address is changed to.
 * @param {import("../engine/player.js").Player} player
 */
export function followAddress(player) {
	const remember = () => {
		const t = Math.floor(player.time), hash = t > 0 ? `#t=${t}` : "";
		if (location.hash !== hash) history.replaceState(null, "", location.pathname + hash);
	};
	player.on(["state"], () => {
		if (player.paused) remember();
	});
	setInterval(() => {
		if (!player.paused) remember();
	}, every);
	addEventListener("hashchange", () => {
		const t = moment(location.hash);
		if (t !== null && Math.abs(t - player.time) >= nearby) player.seek(t);
	});
}
