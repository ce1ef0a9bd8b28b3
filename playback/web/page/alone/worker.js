/**
 * The worker that runs cmd/sealtape-web, behind the script of Go that it is run by: see
 * the command for what they ask of one another. It is loaded by its address, or as a
 * blob. The page's first message is {program}, which it answers with {ready} once that runs;
 * then comes {settings}, and what follows is in worker_source.js. The worker opens no
 * connection: the page fetches for it.
 */

/** @typedef {{ promise: Promise<any>, cancel: () => void }} Asked */

/** What tsc does not know of a worker. */
const scope = /** @type {any} */ (globalThis);

/**
 * @param {object} message
 * @param {Transferable[]} [transfer]
 */
function tell(message, transfer = []) {
	scope.postMessage(message, transfer);
}

/** @type {Map<number, { ok: (value: any) => void, no: (reason: any) => void }>} what the page is asked for */
const waiting = new Map();
let asked = 0;

/** What the program sees of this worker; it adds begin, ask and stop. */
const host = /** @type {any} */ ({
	/**
	 * @param {string} what
	 * @param {any} detail
	 * @param {Uint8Array<ArrayBuffer>|Uint8Array<ArrayBuffer>[]|undefined} bytes
	 * @returns {Asked}
	 */
	request(what, detail, bytes) {
		const n = ++asked;
		const promise = new Promise((ok, no) => waiting.set(n, { ok, no }));
		tell({ request: n, what, detail, bytes }, (bytes instanceof Uint8Array ? [bytes] : bytes ?? []).map((b) => b.buffer));
		const cancel = () => {
			waiting.get(n)?.no({ kind: "stopped" });
			if (waiting.delete(n)) tell({ cancel: n });
		};
		return { promise, cancel };
	},

	/** @type {(n: number, bytes: Uint8Array<ArrayBuffer>) => void} */
	answer: (n, bytes) => tell({ answer: n, bytes }, [bytes.buffer]),
	/** @type {(n: number, bytes: Uint8Array<ArrayBuffer>) => void} */
	part: (n, bytes) => tell({ part: n, bytes }, [bytes.buffer]),
	/** @type {(n: number, file: object) => void} */
	file: (n, file) => tell({ file: n, detail: file }),
	/** @type {(n: number, kind: string, why: string) => void} */
	fail: (n, kind, why) => tell({ fail: n, kind, why }),
	ready: () => tell({ ready: true }),
});
scope.sealtapeHost = host;

/** @param {WebAssembly.Module} program */
async function run(program) {
	const go = new scope.Go();
	const instance = await WebAssembly.instantiate(program, go.importObject);
	memory = () => /** @type {WebAssembly.Memory} */ (instance.exports.mem).buffer.byteLength;
	await go.run(instance); // a program that goes on does not end
	tell({ ended: "the program ended" });
}

/** How many bytes of memory the program has, for measurements. */
let memory = () => 0;

scope.onmessage = (/** @type {MessageEvent} */ { data: m }) => {
	if (m.program) {
		run(m.program).catch((err) => tell({ ended: String(err?.message ?? err) }));
	} else if (m.settings) {
		host.begin(JSON.stringify(m.settings));
	} else if (m.ask) {
		host.ask(m.ask, m.what, JSON.stringify(m.detail));
	} else if (m.stop) {
		host.stop(m.stop);
	} else if (m.memory) {
		tell({ memory: memory() });
	} else if (m.reply) {
		const asked = waiting.get(m.reply);
		waiting.delete(m.reply);
		if (m.error) asked?.no(m.error);
		else asked?.ok(m.value);
	}
};
